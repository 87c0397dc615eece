"""What a call hands over besides plain data comes back as the very same object, and nothing else does."""

import dataclasses
import math
from collections import OrderedDict

import pytest

from autograder.blame import Malformed


class Node:
    def __init__(self, value):
        self.value = value


@dataclasses.dataclass
class Hero:
    hp: int
    items: list
    friend: object = None


@dataclasses.dataclass(frozen=True)
class Badge:
    name: str
    scores: list


@pytest.fixture
def own(names):
    """The author's dataclasses, in a cell both sides run."""
    learner, there = names
    kinds = {
        "Hero": dataclasses.make_dataclass("Hero", [("hp", int), ("items", list), ("friend", object, None)]),
        "Badge": dataclasses.make_dataclass("Badge", [("name", str), ("scores", list)], frozen=True),
    }
    there.update(kinds)
    learner.update(Hero=Hero, Badge=Badge)
    return kinds["Hero"], kinds["Badge"]


def three(there):
    return [there["Box"](value) for value in (3, 1, 2)]


CHANGES = {
    "sorted": (lambda nodes: nodes.sort(key=lambda node: node.value), [1, 2, 0]),
    "reversed": (lambda nodes: nodes.reverse(), [2, 1, 0]),
    "popped": (lambda nodes: nodes.pop(0) and None, [1, 2]),
    "doubled": (lambda nodes: nodes.append(nodes[1]), [0, 1, 2, 1]),
    "cleared": (lambda nodes: nodes.clear(), []),
}


@pytest.mark.parametrize("what", CHANGES)
def test_her_own_objects_in_a_list_of_the_tests_come_back_as_the_tests_handles(names, what):
    learner, there = names
    learner.update(Box=Node, f=CHANGES[what][0])
    made = three(there)
    nodes = list(made)

    there["f"](nodes)

    assert [next(at for at, one in enumerate(made) if one is node) for node in nodes] == CHANGES[what][1]


def test_her_own_objects_in_a_mapping_and_in_pairs_come_back_too(names):
    learner, there = names
    learner.update(Box=Node)
    learner["f"] = lambda by, pairs: (by.__setitem__("top", by.pop("a")), pairs.reverse())[2:]
    a, b, c = three(there)
    by, pairs = {"a": a, "b": b}, [("x", b), ("y", c)]

    there["f"](by, pairs)

    assert list(by) == ["b", "top"]
    assert by["top"] is a
    assert [(name, node.value) for name, node in pairs] == [("y", 2), ("x", 1)]


def test_an_object_a_call_did_not_bring_arrives_as_a_handle_of_its_own(names):
    learner, there = names
    first = Node(7)
    learner.update(box=first, f=lambda nodes: nodes.append(first))
    assert there["box"].value == 7
    nodes = []

    there["f"](nodes)

    assert nodes[0].value == 7


def test_functions_in_a_list_come_back_as_the_tests_own(names):
    learner, there = names
    learner["f"] = lambda functions: (functions.pop(0), functions.reverse())[2:]
    one, two = (lambda: 1), (lambda: 2)
    functions = [one, two, math.sqrt, int, two]

    there["f"](functions)

    assert functions == [two, int, math.sqrt, two]


def test_a_function_she_gives_back_can_be_called(names):
    learner, there = names
    learner["f"] = lambda function: function

    assert there["f"](lambda x: x + 1)(2) == 3


def test_fields_of_the_authors_dataclass_change_in_the_tests_instance(names, own):
    learner, there = names
    hero_kind, _ = own

    def f(hero):
        hero.hp -= 1
        hero.items.append("x")

    learner["f"] = f
    items = ["a"]
    hero = hero_kind(3, items)
    there["f"](hero)

    assert (hero.hp, hero.items) == (2, ["a", "x"])
    assert hero.items is items


def test_a_dataclass_only_the_test_knows_changes_too(names):
    learner, there = names
    quest_kind = there["Quest"] = dataclasses.make_dataclass("Quest", ["name", "left"])
    learner["f"] = lambda quest: setattr(quest, "left", quest.left - 1) or f"{quest.name}: {type(quest).__name__}"
    quest = quest_kind("find", 3)

    assert there["f"](quest) == "find: Quest"
    assert quest.left == 2
    learner["g"] = lambda quest: quest
    assert there["g"](quest) == quest


HOLD = {
    "a list": lambda hero: [hero],
    "a list in a list": lambda hero: [[1], [hero]],
    "a dict": lambda hero: {"a": hero},
    "an OrderedDict": lambda hero: OrderedDict(a=(hero,)),
    "a view": lambda hero: {"a": hero}.values(),
    "a tuple": lambda hero: (1, hero),
}


def heroes(value):
    """Every hero in nested containers."""
    if dataclasses.is_dataclass(value):
        yield value
    elif not isinstance(value, int | str):
        for part in value.values() if isinstance(value, dict) else value:
            yield from heroes(part)


@pytest.mark.parametrize("what", HOLD)
def test_a_dataclass_nested_in_containers_changes_in_place(names, own, what):
    learner, there = names

    def f(held):
        for hero in heroes(held):
            hero.hp += 10

    learner["f"] = f
    hero = own[0](3, [])
    held = HOLD[what](hero)
    there["f"](held)

    assert hero.hp == 13
    assert next(heroes(held)) is hero


def test_instances_that_change_places_stay_themselves(names, own):
    learner, there = names
    learner["f"] = lambda team: team.sort(key=lambda hero: hero.hp)
    strong, weak = own[0](9, []), own[0](1, [])
    team = [strong, weak]
    there["f"](team)

    assert team[0] is weak
    assert team[1] is strong
    assert (strong.hp, weak.hp) == (9, 1)


def test_one_instance_handed_over_twice_is_one_there_and_may_hold_itself(names, own):
    learner, there = names

    def f(one, other):
        other[0].hp += 1
        other[0].friend.hp += 1
        return one is other[0] and one.friend is one

    learner["f"] = f
    hero = own[0](1, [])
    hero.friend = hero

    assert there["f"](hero, [hero]) is True
    assert hero.hp == 3
    assert hero.friend is hero


def test_a_new_instance_of_the_authors_class_may_hold_what_was_handed_over(names, own):
    learner, there = names
    learner["f"] = lambda hero, each: hero.items.append(Hero(1, [each], hero))
    hero = own[0](1, [])
    each = print
    there["f"](hero, each)

    (added,) = hero.items
    assert type(added) is own[0]
    assert added.friend is hero
    assert added.items == [each]


def test_a_frozen_instance_that_did_not_change_is_no_matter(names, own):
    learner, there = names
    learner["f"] = lambda badges: (badges.reverse(), badges[0].scores.append(3))[2:]
    gold, tin = own[1]("gold", [1]), own[1]("tin", [2])
    badges = [gold, tin]
    there["f"](badges)

    assert badges[0] is tin
    assert badges[1] is gold
    assert (tin.scores, gold.scores) == ([2, 3], [1])


def test_a_frozen_instance_that_changed_is_refused(names, own):
    learner, there = names
    learner["f"] = lambda badge: object.__setattr__(badge, "name", "lead")
    badge = own[1]("gold", [])

    with pytest.raises(Malformed):
        there["f"](badge)
    assert badge.name == "gold"


def test_what_was_not_changed_is_not_sent_back(names, own):
    learner, there = names
    learner.update(Box=Node, f=lambda *parts: len(parts))
    hero = own[0](1, [lambda: 1])

    there["f"](hero, [hero, there["Box"](1)], {"a": math.sqrt}, [lambda x, y=float("nan"): 1])

    assert not there._peer.changed


FIELDS = [["hp", 99], ["items", {"t": "list", "v": []}], ["friend", None]]
FORGED = {
    "a handle nobody handed over": [[0, {"t": "list", "v": [{"t": "mine", "v": 0}]}]],
    "no number": [[0, {"t": "list", "v": [{"t": "mine", "v": [1]}]}]],
    "a truth for a number": [[0, {"t": "list", "v": [{"t": "mine", "v": True}]}]],
    "an offer of another call": [[0, {"t": "list", "v": [{"t": "offer", "v": 0}]}]],
    "an offer never made": [[0, {"t": "list", "v": [{"t": "offer", "v": 9}]}]],
    "a negative offer": [[0, {"t": "list", "v": [{"t": "offer", "v": -1}]}]],
    "a library's function": [[0, {"t": "list", "v": [{"t": "library", "v": ["os", "system"]}]}]],
    "a library's nonsense": [[0, {"t": "list", "v": [{"t": "library", "v": 5}]}]],
    "an instance never handed over": [[0, {"t": "list", "v": [{"t": "record", "r": 5}]}]],
    "an instance without number": [[0, {"t": "list", "v": [{"t": "record", "r": "0"}]}]],
    "a negative instance": [[0, {"t": "list", "v": [{"t": "record", "r": -1}]}]],
    "another type's fields": [[1, {"t": "record", "r": 0, "type": "Badge", "fields": FIELDS}]],
    "too few fields": [[1, {"t": "record", "r": 0, "type": "Hero", "fields": FIELDS[:2]}]],
    "a field of its choice": [[1, {"t": "record", "r": 0, "type": "Hero", "fields": [*FIELDS, ["__class__", 1]]}]],
    "a method for a field": [[1, {"t": "record", "r": 0, "type": "Hero", "fields": [["__init__", 1], *FIELDS[1:]]}]],
    "fields that are none": [[1, {"t": "record", "r": 0, "type": "Hero", "fields": 7}]],
    "fields told twice": [[1, {"t": "record", "r": 0, "type": "Hero", "fields": FIELDS}]] * 2,
    "the instance for the list": [[0, {"t": "record", "r": 0}]],
    "a list for the instance": [[1, {"t": "list", "v": []}]],
    "another instance": [[1, {"t": "record", "v": 3, "type": "Hero", "fields": FIELDS}]],
    "a handle for the instance": [[1, {"t": "handle", "v": 3, "type": "Hero"}]],
    "a function for the instance": [[1, {"t": "offer", "v": 1}]],
    "another instance that was handed over": [[1, {"t": "record", "r": 1}]],
    "a frozen field": [[2, {"t": "record", "r": 1, "type": "Badge", "fields": [["name", "x"], ["scores", None]]}]],
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_answer_reaches_nothing_but_what_the_call_handed_over(names, own, what):
    learner, there = names
    learner.update(Box=Node, f=lambda *parts: 1, g=lambda *parts: 1)
    nodes, hero, badge = [there["Box"](1)], own[0](3, []), own[1]("gold", [])
    there["g"](lambda: "the expected answer", there["Box"](2))
    there["f"]
    peer = there._peer
    ask = peer._exchange
    peer._exchange = lambda label, question: {**ask(label, question), "changed": FORGED[what]}
    before = list(nodes)

    with pytest.raises(Malformed):
        there["f"](nodes, hero, badge, lambda: 2)
    assert len(nodes) == 1
    assert nodes[0] is before[0]
    assert (hero.hp, hero.items, badge.name) == (3, [], "gold")


def test_records_that_hold_themselves_and_long_chains_of_them_arrive(names):
    @dataclasses.dataclass
    class Link:
        value: int
        after: object = None

    def f(length):
        first = last = Link(0)
        for value in range(1, length):
            last.after = Link(value)
            last = last.after
        last.after = first
        return first

    learner, there = names
    learner["f"] = f
    link = there["f"](300)
    seen = []
    for _ in range(301):
        seen.append(link.value)
        link = link.after
    assert seen == [*range(300), 0]
