"""pandas and arrays of objects on the wire: what arrives is what left, with its names and types."""

import datetime
import json
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

from autograder import tables, wire


def refuse(value: object):
    raise wire.WireError(f"not plain: {type(value).__name__}")


def round_trip(value: object):
    return wire.decode(json.loads(json.dumps(wire.encode(value, refuse))), refuse)


TABLE = pd.DataFrame({"g": ["x", "y", "x"], "h": ["a", "b", "b"], "v": [1, 2, 3]})
DAYS = pd.Series(pd.to_datetime(["2026-01-01", "2026-06-01"]))
FRAMES = {
    "grouped": TABLE.groupby("g").sum(numeric_only=True),
    "grouped twice": TABLE.groupby(["g", "h"]).sum(),
    "pivoted": TABLE.pivot_table("v", "g", "h"),
    "several figures": TABLE.groupby("g").agg({"v": ["sum", "mean"]}),
    "counted": TABLE.value_counts().to_frame(),
    "described": TABLE.describe(),
    "without rows": TABLE.iloc[:0],
    "without columns": TABLE[[]],
    "twice the same name": pd.concat([TABLE, TABLE], axis=1),
    "numbered columns": TABLE.T.reset_index(drop=True),
    "zoned": pd.DataFrame({"t": DAYS.dt.tz_localize("Asia/Manila"), "u": DAYS.dt.tz_localize("UTC")}),
    "fixed zone": pd.DataFrame({"t": DAYS.dt.tz_localize(datetime.timezone(datetime.timedelta(hours=-5.5)))}),
    "times as rows": pd.DataFrame({"v": [1, 2]}, index=pd.DatetimeIndex(DAYS, name="day")),
    "zoned rows": pd.DataFrame({"v": [1, 2]}, index=pd.DatetimeIndex(DAYS, name="day").tz_localize("Asia/Manila")),
    "nullable": pd.DataFrame({"n": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")}),
    "text with gaps": pd.DataFrame({"s": ["a", None], "t": pd.array(["a", None], "string")}),
    "spans": pd.DataFrame({"d": pd.to_timedelta([1, None], "s")}),
}


@pytest.mark.parametrize("what", FRAMES)
def test_a_table_arrives_with_its_names_and_types(what):
    assert_frame_equal(round_trip(FRAMES[what]), FRAMES[what], check_index_type=True)


@pytest.mark.parametrize(
    "column",
    [
        TABLE.groupby("g")["v"].sum(),
        TABLE.groupby(["g", "h"])["v"].mean(),
        TABLE["g"].value_counts(),
        DAYS.dt.tz_localize("Asia/Manila").rename("t"),
        DAYS.diff(),
        TABLE.groupby("g").agg({"v": ["sum"]})["v", "sum"],
        pd.Series([1], name=3),
    ],
)
def test_a_column_arrives_with_its_names_and_type(column):
    assert_series_equal(round_trip(column), column)


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["a"], name="n"),
        pd.RangeIndex(3, name="r"),
        pd.DatetimeIndex(DAYS).tz_localize("UTC"),
        pd.to_timedelta([1], "s"),
        pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
    ],
)
def test_an_index_arrives_with_its_names(index):
    assert_index_equal(round_trip(index), index, exact=True)


def test_what_arrived_is_worked_with_as_with_ones_own():
    assert list(round_trip(FRAMES["grouped"]).reset_index()["g"]) == ["x", "y"]
    assert list(round_trip(FRAMES["grouped twice"]).loc["x"].index) == ["a", "b"]
    assert list(round_trip(FRAMES["zoned"])["t"].dt.hour) == [0, 0]
    assert round_trip(FRAMES["zoned"])["t"].dt.tz == zoneinfo.ZoneInfo("Asia/Manila")
    assert list(round_trip(FRAMES["times as rows"]).index.month) == [1, 6]


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2026-01-02T03:04:05.123456789"),
        pd.Timestamp("2026-01-02", tz="Asia/Manila"),
        pd.Timestamp("2026-01-02T03:04+08:00"),
        pd.Timestamp("2026-01-02", tz="UTC"),
        pd.Timedelta(5, "s"),
        pd.Timedelta(-1, "ns"),
    ],
)
def test_a_moment_or_a_span_arrives_as_itself(value):
    got = round_trip(value)

    assert (type(got), got, got.unit, str(got)) == (type(value), value, value.unit, str(value))


def test_moments_equal_the_standard_librarys():
    assert round_trip(pd.Timestamp("2026-01-02T03:04")) == datetime.datetime(2026, 1, 2, 3, 4)
    assert round_trip(pd.Timedelta(5, "s")) == datetime.timedelta(seconds=5)


def test_what_is_missing_arrives_as_itself():
    assert round_trip(pd.NaT) is pd.NaT
    assert round_trip(pd.NA) is pd.NA
    assert round_trip([pd.NaT, {"a": pd.NA}]) == [pd.NaT, {"a": pd.NA}]


@pytest.mark.parametrize("column", [TABLE["g"], DAYS, DAYS.dt.tz_localize("Asia/Manila"), FRAMES["nullable"]["n"]])
def test_the_different_values_of_a_column_arrive(column):
    values = column.unique()
    got = round_trip(values)

    assert (type(got), got.dtype, len(got)) == (type(values), values.dtype, len(values))
    assert_series_equal(pd.Series(got), pd.Series(values))


@pytest.mark.parametrize(
    "array",
    [
        np.array([None, "a", 1.5, (1, [2])], object),
        np.array([[None, "a"], [1, b"x"]], object),
        np.array([], object),
        np.array("a", object),
        pd.Series(["a", None, "a"], dtype=object).unique(),
        np.array([pd.Timestamp("2026-01-01"), pd.NaT], object),
    ],
)
def test_an_array_of_plain_objects_arrives(array):
    got = round_trip(array)

    assert (type(got), got.dtype, got.shape) == (np.ndarray, array.dtype, array.shape)
    assert got.tolist() == array.tolist()


def test_lists_and_arrays_in_an_array_stay_what_they_are():
    array = np.empty(2, object)
    array[0], array[1] = [1, 2], np.arange(2)
    got = round_trip(array)

    assert got[0] == [1, 2]
    assert got[1].tolist() == [0, 1]
    assert got.shape == (2,)


def test_an_array_with_one_object_in_it_is_an_object():
    array = np.array([1, [object()]], object)

    assert wire.encode(array, lambda value: {"t": "handle", "is": value is array}) == {"t": "handle", "is": True}


def test_an_array_that_holds_itself_is_too_deep():
    array = np.empty(1, object)
    array[0] = array

    with pytest.raises(wire.WireError, match="too deep"):
        wire.encode(array, refuse)


def whole(value):
    return wire.encode(value, refuse)


HUGE = {"t": "range", "v": whole([0, 10**12, 1])}
ROWS = whole(pd.Index([1]))
MALFORMED = {
    "a handle in an array": {"t": "objects", "s": [1], "v": {"t": "list", "v": [{"t": "handle", "v": 1}]}},
    "fewer than its shape": {"t": "objects", "s": [2], "v": whole([1])},
    "a negative shape": {"t": "objects", "s": [-1, -1], "v": whole([1])},
    "a text for the elements": {"t": "objects", "s": [1], "v": "a"},
    "rows of a range": {"t": "column", "name": None, "rows": {"t": "index", "name": None, "v": HUGE}, "v": whole([1])},
    "a column of a range": {"t": "column", "name": None, "rows": ROWS, "v": HUGE},
    "one value for a column": {"t": "column", "name": None, "rows": ROWS, "v": 1},
    "one value in a table": {"t": "table", "names": ROWS, "rows": ROWS, "v": [1]},
    "a column for a column": {"t": "table", "names": ROWS, "rows": ROWS, "v": [whole(pd.Series([1]))]},
    "rows without end": {
        "t": "table",
        "names": whole(pd.Index([])),
        "rows": {"t": "index", "name": None, "v": HUGE},
        "v": [],
    },
    "rows that are a list": {"t": "column", "name": None, "rows": whole([1]), "v": whole([1])},
    "a list for a name": {"t": "column", "name": whole([1]), "rows": ROWS, "v": whole([1])},
    "levels of a range": {"t": "levels", "names": [None], "v": [HUGE]},
    "no levels": {"t": "levels", "names": [], "v": []},
    "levels of two lengths": {"t": "levels", "names": [None, None], "v": [whole([1]), whole([1, 2])]},
    "a file for a zone": {"t": "moments", "z": "dateutil//etc/passwd", "v": whole(np.zeros(1, "M8[us]"))},
    "a path for a zone": {"t": "moments", "z": "../../etc/passwd", "v": whole(np.zeros(1, "M8[us]"))},
    "a zone nobody knows": {"t": "moments", "z": "Asia/Atlantis", "v": whole(np.zeros(1, "M8[us]"))},
    "a number for a zone": {"t": "moments", "z": 8, "v": whole(np.zeros(1, "M8[us]"))},
    "hours no zone has": {"t": "moments", "z": "UTC+99:00", "v": whole(np.zeros(1, "M8[us]"))},
    "numbers for moments": {"t": "moments", "z": None, "v": whole(np.zeros(1))},
    "a number for a moment": {"t": "moment", "k": "Timestamp", "z": None, "v": 5},
    "a span for a moment": {"t": "moment", "k": "Timestamp", "z": None, "v": whole(np.timedelta64(1, "s"))},
    "a moment of another kind": {"t": "moment", "k": "read_pickle", "v": "x"},
    "a type of its choice": {"t": "typed", "k": "category", "v": whole([1])},
    "text for typed numbers": {"t": "typed", "k": "Int64", "v": whole(["a"])},
    "a view of a list": {"t": "view", "k": "keys", "v": whole([1])},
    "a view of another kind": {"t": "view", "k": "clear", "v": whole({1: 2})},
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_table_or_array_is_refused(what):
    with pytest.raises(wire.WireError):
        wire.decode(MALFORMED[what], lambda tagged: tagged)


def test_an_index_of_levels_cannot_make_the_test_process_work_for_minutes(monkeypatch):
    colliding = [{"t": "int", "v": hex(k * ((1 << 61) - 1))} for k in range(1, 20_000)]
    with pytest.raises(wire.WireError, match="too large to hash"):
        wire.decode({"t": "levels", "names": [None], "v": [{"t": "list", "v": colliding}]}, refuse)
    monkeypatch.setattr(tables, "MOST_IN_LEVELS", 3)
    with pytest.raises(wire.WireError):
        round_trip(FRAMES["grouped twice"].index)


def test_a_zone_without_a_name_to_find_it_by_is_not_plain():
    class Own(datetime.tzinfo):
        def utcoffset(self, _when):
            return datetime.timedelta(hours=1)

        def dst(self, _when):
            return None

        def tzname(self, _when):
            return "Own"

    with pytest.raises(wire.WireError, match="not plain: Timestamp"):
        wire.encode(pd.Timestamp("2026-01-01", tz=Own()), refuse)
