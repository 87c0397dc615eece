"""The two ends of the line between the processes, here in one process: what each answers and what it refuses."""

import dataclasses
import socket
import threading
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from autograder import frame, handle
from autograder.blame import Gone, Inexpressible, LearnerSide, Malformed, Missing, NotPlain
from autograder.handle import Handle
from autograder.peer import Peer


class Box:
    size = 3
    _secret = 4

    def __getitem__(self, place):
        return [10, 20, 30][place]

    def __len__(self):
        return 3

    def me(self):
        return self


def test_plain_names_come_as_values_and_others_as_handles(names):
    learner, there = names
    learner.update(f=[1, 2.5], g=lambda x, y=1: x + y)

    assert there["f"] == [1, 2.5]
    assert type(there["g"]) is Handle
    assert there["g"](2, y=3) == 5


def test_a_handle_is_indexed_measured_walked_and_read(names):
    learner, there = names
    learner["box"] = Box()
    box = there["box"]

    assert (box.size, box[1], len(box), list(box)) == (3, 20, 3, [10, 20, 30])
    assert type(box.me()) is Handle
    assert not hasattr(box, "_secret")


@pytest.mark.parametrize(
    "use",
    [
        lambda box: box == 1,
        lambda box: 1 == box,  # noqa: SIM300 - the other side asks first
        lambda box: box != 1,
        lambda box: box < 1,
        lambda box: 1 <= box,  # noqa: SIM300
        lambda box: bool(box),
        lambda box: float(box),
        lambda box: int(box),
        lambda box: round(box),
        lambda box: box + 1,
        lambda box: 1 - box,
        lambda box: -box,
        lambda box: abs(box),
        lambda box: {box},
        lambda box: [1, 2].index(box),
        lambda box: box in [1],
        lambda box: max(box, 1),
    ],
)
def test_a_handle_is_never_a_value(names, use):
    learner, there = names
    learner["box"] = Box()

    with pytest.raises(TypeError):
        use(there["box"])


@pytest.mark.parametrize(
    ("function", "error", "kind"),
    [
        (lambda: 1 / 0, ZeroDivisionError, "ZeroDivisionError"),
        (lambda: {}["x"], KeyError, "KeyError"),
        (lambda: [][1], IndexError, "IndexError"),
        (lambda: exec("raise SystemExit"), LearnerSide, "SystemExit"),
        (lambda: Path("/nowhere/at/all").read_text(), LearnerSide, "FileNotFoundError"),
        (lambda: next(iter(())), LearnerSide, ""),
        (lambda: exec("raise type('Own', (Exception,), {})()"), LearnerSide, "Exception"),
    ],
)
def test_her_errors_are_raised_as_hers(names, function, error, kind):
    learner, there = names
    learner["f"] = function

    with pytest.raises(error) as caught:
        there["f"]()
    assert isinstance(caught.value, LearnerSide)
    assert (caught.value.label, caught.value.kind) == ("f", kind if kind else caught.value.kind)


def test_a_name_she_did_not_define_and_one_nobody_may_ask_for(names):
    learner, there = names
    learner["secret"] = 1

    with pytest.raises(Missing):
        there["missing"]
    with pytest.raises(KeyError):
        there["secret"]


def test_a_module_of_hers_is_never_handed_over(names):
    learner, there = names
    learner["f"] = socket

    with pytest.raises(Malformed, match="imports what it needs itself"):
        there["f"]


@pytest.mark.parametrize("thing", [object(), socket, iter([]), threading.Lock(), [object()]])
def test_what_cannot_be_handed_over_is_the_authors_to_mend(names, thing):
    learner, there = names
    learner["f"] = lambda x: x

    with pytest.raises(Inexpressible, match="hand"):
        there["f"](thing)
    assert type(there["f"](there["f"])) is Handle


class Liar:
    """Says of itself whatever a check might like to hear."""

    shape, dtype, size, columns = (2, 3), "float32", 6, ["a"]

    def __len__(self):
        return 3

    def __contains__(self, item):
        return True


@pytest.mark.parametrize(
    "use",
    [len, lambda it: it.shape, lambda it: it.dtype, lambda it: it.size, lambda it: it.columns, lambda it: 3 in it],
)
def test_what_a_result_says_of_itself_is_not_believed(names, use):
    learner, there = names
    learner.update(f=Liar, g=lambda: Liar())
    there.ask_again(
        frozenset((("name", "f"), ("name", "g"), ("call", "f")))
    )  # where the lab's own answer gives objects

    with pytest.raises(NotPlain):
        use(there["g"]())
    assert use(there["f"]()), "where the lab's own answer gives an object too, it may describe itself"


def test_a_class_of_hers_is_made_asked_and_compared_with(names):
    learner, there = names
    learner["Box"] = Box
    made = there["Box"]()

    assert isinstance(made, there["Box"])
    assert not isinstance(3, there["Box"])
    assert not isinstance(there["Box"], there["Box"])
    assert issubclass(there["Box"], there["Box"])
    made.size = 5
    assert made.size == 5
    assert there["Box"].size == 3


def test_isinstance_against_something_else_of_hers_is_refused(names):
    learner, there = names
    learner["f"] = lambda: 1

    with pytest.raises(NotPlain):
        isinstance(1, there["f"])


class Value:
    def __init__(self, data):
        self.data = data

    def __add__(self, other):
        return Value(self.data + getattr(other, "data", other))

    __radd__ = __add__

    def __neg__(self):
        return Value(-self.data)


def test_operators_give_objects_and_never_numbers(names):
    learner, there = names
    learner["Box"] = Value
    two = there["Box"](2)

    assert (two + two).data == 4
    assert (1 + two).data == 3
    assert (-two).data == -2

    class Lie:
        __sub__ = __rsub__ = __abs__ = lambda *_: 0.0

    learner["f"] = Lie
    with pytest.raises(NotPlain):
        there["f"]() - 3
    with pytest.raises(NotPlain):
        abs(there["f"]())
    with pytest.raises(NotPlain):
        np.ones(3) - there["f"]()
    assert isinstance(np.ones(3) + two, Handle)


@dataclasses.dataclass
class Point:
    x: int
    y: object


@pytest.mark.parametrize("kind", [Point, namedtuple("Pair", "x y"), lambda x, y: SimpleNamespace(x=x, y=y)])
def test_records_are_equal_where_every_field_is(names, kind):
    learner, there = names
    learner["f"] = kind
    one = there["f"](1, [2])

    assert one == there["f"](1, [2])
    assert one != there["f"](1, [3])
    assert one != 1
    assert (one.x, one.y) == (1, [2])


def test_a_named_tuple_is_a_tuple_too(names):
    learner, there = names
    learner["f"] = namedtuple("Pair", "x y")

    assert there["f"](1, 2) == (1, 2)
    assert list(there["f"](1, 2)) == [1, 2]


def test_a_record_whose_field_lies_is_equal_to_nothing(names):
    class Always:
        def __eq__(self, other):
            return True

        __hash__ = None

    learner, there = names
    learner["f"] = lambda: Point(1, Always())
    learner["g"] = lambda: Point(1, 2)

    with pytest.raises(NotPlain):
        assert there["f"]() == there["g"]()


def test_a_class_the_author_defines_crosses_as_itself_both_ways(names):
    learner, there = names
    learner.update(Point=Point, f=lambda point: Point(point.x + 1, point.y))
    own = dataclasses.make_dataclass("Point", [("x", int), ("y", object)])
    there["Point"] = own

    moved = there["f"](own(1, [2]))

    assert type(moved) is own
    assert moved == own(2, [2])


def test_callable_means_hers(names):
    learner, there = names
    learner.update(f=len, box=Value(1))

    assert there["callable"](there["f"])
    assert not there["callable"](there["box"])
    assert there["callable"](len)
    assert not there["callable"](3)


def test_a_coroutine_of_hers_is_run(names):
    async def answer():
        return 3

    learner, there = names
    learner["f"] = answer

    assert there["f"]() == 3


def test_a_walk_without_end_is_ended(names, monkeypatch):
    import itertools

    monkeypatch.setattr(handle, "MOST_ITEMS", 50)
    learner, there = names
    learner["f"] = itertools.count()

    with pytest.raises(Malformed):
        list(there["f"])


@pytest.mark.parametrize(
    "answer",
    [
        {"value": {"t": "handle", "v": "one", "type": "x"}},
        {"value": {"t": "handle", "v": 1}},
        {"value": {"t": "float", "v": "x"}},
        {"value": 1.5},
        {"unsendable": "too large"},
    ],
)
def test_a_nonsense_answer_is_hers_and_harmless(line, answer):
    ours, hers = line
    frame.send(hers, answer)

    with pytest.raises(Malformed):
        Peer(ours).fetch("f")


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\0\0\0\x02[]", b"\0\0\0\x03abc"])
def test_what_is_no_message_ends_the_line(line, data):
    ours, hers = line
    hers.sendall(data)
    peer = Peer(ours)

    with pytest.raises(Malformed):
        peer.fetch("f")
    with pytest.raises(Gone):
        peer.fetch("f")


def test_a_line_that_was_closed_is_gone(line):
    ours, hers = line
    hers.close()

    with pytest.raises(Gone):
        Peer(ours).fetch("f")


def test_next_takes_from_an_iterator_of_hers_and_ends_where_it_ends(names):
    learner, there = names
    learner.update(g=iter([1, 2]), box=Box())
    walk = there["g"]

    assert [there["next"](walk), there["next"](walk), there["next"](walk, "over")] == [1, 2, "over"]
    assert there["next"](iter([3])) == 3
    with pytest.raises(StopIteration):
        there["next"](walk)
    with pytest.raises(TypeError):
        there["next"](there["box"])
    assert not hasattr(type(walk), "__next__")  # else every object of hers would be an iterator to a test


def test_a_forged_end_of_iteration_is_no_value(line):
    ours, hers = line
    frame.send(hers, {"stop": True, "value": {"t": "unheard-of"}})

    with pytest.raises(Malformed):
        Peer(ours).fetch("f")
