"""Nonsense on the line between the learner's process and the tests': no points, no fault of ours, and it ends.

Her cell takes over what her process says to a real test process and says generated nonsense instead. The decoder is
given its own directly. The line by itself is in test_fuzz.py, the repair of notebooks in test_repair_properties.py.
"""

from __future__ import annotations

import collections
import copy
import datetime
import decimal
import fractions
import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder import conversation, wire

LAB = """\
# %% solution="fuzzed"
def number(x):
    ### BEGIN SOLUTION
    return x * 0.7310585
    ### END SOLUTION
def numbers(given):
    ### BEGIN SOLUTION
    return [given[0] * 0.7310585]
    ### END SOLUTION
def apply(function):
    ### BEGIN SOLUTION
    return function(0.1234567)
    ### END SOLUTION
class Box:
    ### BEGIN SOLUTION
    value = 0.7310585
    ### END SOLUTION
# %% test="t" points=4 hidden
import dataclasses
import numpy
@dataclasses.dataclass
class Point:
    x: int
    y: list
kept = [1.0, [2], {"a": numpy.zeros(3)}, Point(1, [2])]
seen = []
check("number", abs(number(3.0) - 2.1931755) < 1e-9)
check("numbers", numbers(kept)[0] == 0.7310585)
check("apply", abs(apply(lambda x: (seen.append(x), x * 5)[1]) - 0.6172835) < 1e-9 and seen == [0.1234567])
check("box", Box().value == 0.7310585 and [one for one in numbers([1])] == [0.7310585])
"""
TAKEN_OVER = (Path(__file__).parent / "hostile_labs" / "takes_over_the_line.py").read_text()
PATIENT = ("trees", "bytes", "no-frames", "huge-size", "truncated", "deep", "numbers")
STUBBORN = ("silence", "drip", "flood", "offers-for-ever", "wide")
CASES = [(kind, seed) for kind in PATIENT for seed in range(40 if kind == "trees" else 4)]
CASES += [(kind, 0) for kind in STUBBORN]


@pytest.mark.sandbox
@pytest.mark.timeout(60)
@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_nonsense_from_the_learner_is_her_fault_and_ends(submit, monkeypatch, kind, seed):
    monkeypatch.setattr(conversation, "GRACE", 5.0)
    seconds = 2 if kind in STUBBORN else 20
    graded = submit(
        {"fuzzed": f"SEED, KIND = {seed}, {kind!r}\n{TAKEN_OVER}"},
        LAB,
        table=f"limits = {{seconds = {seconds}, memory_mb = 300}}",
    )

    assert (graded.score, graded.fault) == (0, None), graded.text
    assert "0.1234567" not in graded.text
    assert "fuzzed stopped" not in graded.text, "the cell did not take the line over"
    told = [part for item in graded.report.items for one in item.checks for part in (one.hint or one.reason,)]
    assert told


def other(_tagged):
    raise ValueError("not known here")


VALUES = [
    *(None, True, 0, 1 << 70, 1.5, float("inf"), "text", b"bytes", [1, [2, (3,)]], {1, 2}, frozenset("ab")),
    *(
        {"a": {1: [2.0]}},
        1 + 2j,
        bytearray(b"x"),
        range(3),
        collections.deque([1], maxlen=2),
        collections.Counter("aab"),
    ),
    *(
        collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]),
        decimal.Decimal("1.5"),
        fractions.Fraction(1, 3),
    ),
    *(datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3), datetime.timedelta(1, 2, 3), datetime.time(1)),
    *(
        np.arange(6).reshape(2, 3),
        np.float32(1.5),
        np.array(["a", "bc"]),
        np.array(["2026-01-01"], "M8[D]"),
        np.zeros((0, 2)),
    ),
    *(
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        pd.Series([1.5, 2.5], index=["a", "b"], name="s"),
        pd.Index([1, 2], name="i"),
    ),
    *({"a": 1, "b": [2]}.keys(), {"a": 1, "b": [2]}.values(), collections.OrderedDict(a=1, b=2).items()),
    *(
        np.array([None, "a", [1, 2], (3,)], object),
        np.array([["a", None], [1, 2.5]], object),
        pd.DataFrame({"g": ["x", "y", "x"], "h": [1, 1, 2], "v": [1.5, 2, 3]}).groupby(["g", "h"]).sum(),
        pd.DataFrame({"g": ["x", "y", "x"], "h": ["a", "a", "b"], "v": [1, 2, 3]}).pivot_table("v", "g", "h"),
        pd.Series(pd.date_range("2026-01-01", periods=2, tz="Asia/Manila"), name=("t", 1)),
        pd.DatetimeIndex(["2026-01-01", "2026-01-02"], name="day"),
        pd.DataFrame({"n": pd.array([1, None], "Int64"), "s": ["a", None]}, index=pd.to_timedelta([1, 2], "s")),
        pd.Series(["a", "b", "a"]).unique(),
        pd.Series(pd.date_range("2026-01-01", periods=2)).unique(),
    ),
    *(pd.Timestamp("2026-01-02T03:04+08:00"), pd.Timestamp("2026-01-02"), pd.Timedelta(1, "s"), pd.NaT, pd.NA),
]
CODED = [json.loads(json.dumps(wire.encode(value, other))) for value in VALUES]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["list", "array", "<f8", "O", "keys", "Int64", "str", "Timestamp", "NaT", "UTC", "UTC+99:00"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
TAGS = sorted(
    {"int", "float", "bytes", "list", "tuple", "set", "frozenset", "dict"}
    | wire.standard.TAGS
    | wire.arrays.TAGS
    | wire.tables.TAGS
)
PARTS = ("v", "d", "s", "k", "m", "type", "names", "rows", "name", "grad", "slope", "z")


def places(coded, path=()):
    yield path
    if isinstance(coded, dict | list):
        for key in list(coded) if isinstance(coded, dict) else range(len(coded)):
            yield from places(coded[key], (*path, key))


def changed(coded, luck: random.Random, values):
    """`coded` with some of its parts replaced, doubled or taken away."""
    whole = {"root": copy.deepcopy(coded)}
    for value in values:
        path = luck.choice(list(places(whole))[1:])
        holder = whole
        for key in path[:-1]:
            holder = holder[key]
        how = luck.choice(("replace", "tag", "take away", "double", "wrap"))
        old = holder[path[-1]]
        if how == "replace":
            holder[path[-1]] = value
        elif how == "tag" and isinstance(old, dict):
            old["t"] = luck.choice(TAGS)
        elif how == "take away" and len(path) > 1:
            del holder[path[-1]]
        elif how == "double" and isinstance(old, list):
            old += old
        else:
            holder[path[-1]] = {"t": luck.choice(TAGS), "v": old, luck.choice(PARTS): value}
    return whole["root"]


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    coded=st.sampled_from(CODED), luck=st.randoms(use_true_random=False), values=st.lists(JSON, min_size=1, max_size=4)
)
def test_the_decoder_knows_one_error(coded, luck, values):
    try:
        wire.decode(changed(coded, luck, values), other)
    except wire.WireError:
        return


@pytest.mark.parametrize("tag", TAGS)
@settings(max_examples=60, deadline=None)
@given(parts=st.dictionaries(st.sampled_from(PARTS), JSON, max_size=6))
def test_the_decoder_knows_one_error_for_every_tag(tag, parts):
    try:
        wire.decode({"t": tag, **parts}, other)
    except wire.WireError:
        return
