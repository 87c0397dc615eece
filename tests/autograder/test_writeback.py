"""What a call changes in its arguments is changed where the call was made, in place."""

import copy
from collections import Counter, OrderedDict, defaultdict, deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import writeback
from autograder.blame import LearnerSide, Malformed

values = st.recursive(
    st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=2), inner, max_size=4), st.tuples(inner)
    ),
    max_leaves=12,
)


@given(st.lists(values, max_size=4), st.lists(values, max_size=4))
@settings(deadline=None, max_examples=200)
def test_a_list_becomes_the_other_list_and_stays_itself(old, new):
    before, expected = old, copy.deepcopy(new)

    writeback.apply(old, new)

    assert old is before
    assert old == expected


@given(st.dictionaries(st.text(max_size=2), values), st.dictionaries(st.text(max_size=2), values))
@settings(deadline=None, max_examples=100)
def test_a_mapping_becomes_the_other_and_keeps_its_order(old, new):
    writeback.apply(old, copy.deepcopy(new))

    assert list(old.items()) == list(new.items())


CHANGES = {
    "list": ([3, 1, 2], lambda v: v.sort(), [1, 2, 3]),
    "dict": ({"a": 1}, lambda v: v.update(b=2), {"a": 1, "b": 2}),
    "set": ({1}, lambda v: v.add(2), {1, 2}),
    "bytearray": (bytearray(b"a"), lambda v: v.extend(b"b"), bytearray(b"ab")),
    "deque": (deque([1, 2], 2), lambda v: v.append(3), deque([2, 3], 2)),
    "Counter": (Counter("aab"), lambda v: v.update("b"), Counter("aabb")),
    "OrderedDict": (OrderedDict(a=1, b=2), lambda v: v.move_to_end("a"), OrderedDict(b=2, a=1)),
    "defaultdict": (defaultdict(list, a=1), lambda v: v.__setitem__("b", 2), {"a": 1, "b": 2}),
    "in a list": ([[1], [2]], lambda v: v[0].append(9), [[1, 9], [2]]),
    "in a tuple": (([1], "a"), lambda v: v[0].append(2), ([1, 2], "a")),
    "in a dict": ({"a": [1]}, lambda v: v["a"].clear(), {"a": []}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_seen_by_every_name_for_the_argument(names, what):
    learner, there = names
    value, learner["f"], expected = copy.deepcopy(CHANGES[what][0]), CHANGES[what][1], CHANGES[what][2]
    inner = value[0] if what in ("in a list", "in a tuple") else None

    there["f"](value)

    assert value == expected
    assert inner is None or inner is value[0]


def test_an_array_is_changed_in_place(names):
    learner, there = names
    learner["f"] = lambda array, *, by: array.__imul__(by) is None
    array = np.ones((2, 2))
    view = array[0]
    there["f"](array, by=3)

    assert view.tolist() == [3.0, 3.0]


@pytest.mark.model
def test_a_tensor_and_its_gradient_are_changed_in_place(names):
    import torch

    learner, there = names

    def step(weight, rate):
        (weight * 2).sum().backward()
        with torch.no_grad():
            weight -= rate * weight.grad

    learner["f"] = step
    weight = torch.ones(2, requires_grad=True)
    there["f"](weight, 0.5)

    assert weight.tolist() == [0.0, 0.0]
    assert weight.grad.tolist() == [2.0, 2.0]


def test_a_table_is_changed_in_place(names):
    pandas = pytest.importorskip("pandas")
    learner, there = names
    learner["f"] = lambda table: table.insert(0, "b", [3, 4])
    table = pandas.DataFrame({"a": [1, 2]})
    same = table
    there["f"](table)

    assert list(same.columns) == ["b", "a"]
    assert same["b"].tolist() == [3, 4]


def test_an_array_of_objects_and_a_zoned_table_are_changed_in_place(names):
    pandas = pytest.importorskip("pandas")
    learner, there = names

    def f(array, table):
        array[0] = [1, None]
        table.insert(1, "hour", table["t"].dt.hour)

    learner["f"] = f
    array = np.array(["a", None], object)
    view = array[:1]
    table = pandas.DataFrame({"t": pandas.to_datetime(["2026-01-01"]).tz_localize("UTC").tz_convert("Asia/Manila")})
    table.index.name = "row"
    same = table
    there["f"](array, table)

    assert view.tolist() == [[1, None]]
    assert same["hour"].tolist() == [8]
    assert same.index.name == "row"
    assert str(same["t"].dt.tz) == "Asia/Manila"


def test_an_argument_that_did_not_change_is_not_sent_back(names):
    learner, there = names
    kept = [1]
    learner["f"] = lambda items: len(items)

    assert there["f"](kept) == 1
    assert kept == [1]


def test_what_changed_before_an_error_has_changed(names):
    learner, there = names

    def half(items):
        items.append(9)
        raise ValueError("half")

    learner["f"] = half
    items = [1]
    with pytest.raises(ValueError, match="half"):
        there["f"](items)
    assert items == [1, 9]


@pytest.mark.parametrize(
    "changed",
    [[[5, 1]], [["0", 1]], [[0, {"t": "float", "v": "0x1p0"}]], [[0]], 7, [[0, {"t": "list", "v": 3}]], [[-1, 1]]],
)
def test_a_forged_change_is_hers_and_changes_nothing(names, changed):
    learner, there = names
    learner["f"] = lambda items: 1
    there["f"]
    peer = there._peer
    ask = peer._exchange
    peer._exchange = lambda label, question: {**ask(label, question), "changed": changed}
    items = [1, 2]

    with pytest.raises((Malformed, LearnerSide)):
        there["f"](items)
    assert items == [1, 2]


def test_an_own_object_of_hers_in_a_list_of_mine_arrives_as_a_handle(names):
    class Own:
        v = 3

    learner, there = names
    learner["f"] = lambda items: items.append(Own())
    items = []
    there["f"](items)

    assert items[0].v == 3
