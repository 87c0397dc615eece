"""pandas on the wire: tables, columns, indexes, their arrays, and its moments. It is not imported before it is needed.

Names of columns and indexes cross where they are plain data. Not covered: categories (they cross as the values they
hold), periods and intervals (as handles), the frequency of an index, and time zones read from a file of one's own.
"""

from __future__ import annotations

import datetime
import re
import sys
import zoneinfo
from collections.abc import Callable
from typing import Any

from autograder.arrays import ARRAY_KINDS, NotAllPlain
from autograder.hashed import refuse_alike_among

TAGS = frozenset(("table", "column", "index", "levels", "moment", "moments", "typed"))
MOST_IN_LEVELS = 100_000
MOST_IN_RANGE = 4_000_000  # it takes no more to send than a short one
_TYPED = frozenset(
    (
        *("str", "string", "boolean", "Float32", "Float64"),
        *(f"{sign}Int{size}" for sign in ("", "U") for size in (8, 16, 32, 64)),
    )
)
_FIXED = re.compile(r"UTC(?:([+-])(\d\d):(\d\d))?")
_PLACE = re.compile(r"[A-Za-z0-9_+-]{1,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")
Coder = Callable[[Any], Any]


def encode(value: Any, inner: Coder, plain: Coder) -> dict[str, Any] | None:
    """None where `value` is nothing of pandas's. `plain` is `inner` that raises NotAllPlain for any object."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return None
    kind = type(value)
    if kind is pandas.DataFrame:
        columns = [_values(value.iloc[:, place], inner) for place in range(value.shape[1])]
        names, rows = (_index(pandas, one, inner, plain) for one in (value.columns, value.index))
        return {"t": "table", "names": names, "rows": rows, "v": columns}
    if kind is pandas.Series:
        rows = _index(pandas, value.index, inner, plain)
        return {"t": "column", "name": _label(value.name, plain), "rows": rows, "v": _values(value, inner)}
    if kind in _indexes(pandas):
        return _index(pandas, value, inner, plain)
    if kind is pandas.arrays.DatetimeArray:
        return _moments(value, inner)
    if isinstance(value, pandas.api.extensions.ExtensionArray) and str(value.dtype) in _TYPED:
        return {"t": "typed", "k": str(value.dtype), "v": inner(value.tolist())}
    return _moment(pandas, value, inner)


def decode(coded: dict[str, Any], inner: Coder) -> Any:
    import pandas

    tag = coded["t"]
    if tag == "moment":
        return _read_moment(pandas, coded, inner)
    if tag == "moments":
        return _read_moments(pandas, inner(coded["v"]), coded["z"])
    if tag == "typed":
        values = inner(coded["v"])
        if type(values) is not list or coded["k"] not in _TYPED:
            raise ValueError("not a typed array")
        return pandas.array(values, dtype=coded["k"])
    if tag == "index":
        values = inner(coded["v"])
        ranged = type(values) is range and len(values) <= MOST_IN_RANGE
        return pandas.Index(values if ranged else _flat(pandas, values), name=inner(coded["name"]))
    if tag == "levels":
        return _read_levels(pandas, coded, inner)
    rows = _read_index(pandas, coded["rows"], inner)
    if tag == "column":
        return pandas.Series(_flat(pandas, inner(coded["v"])), index=rows, name=inner(coded["name"]))
    columns = [_flat(pandas, inner(column)) for column in coded["v"]]
    table = pandas.DataFrame(dict(enumerate(columns)), index=rows)
    table.columns = _read_index(pandas, coded["names"], inner)
    return table


def _indexes(pandas: Any) -> tuple[type, ...]:
    return pandas.Index, pandas.RangeIndex, pandas.DatetimeIndex, pandas.TimedeltaIndex, pandas.MultiIndex


def _index(pandas: Any, index: Any, inner: Coder, plain: Coder) -> dict[str, Any]:
    if type(index) is pandas.MultiIndex:
        levels = [_values(index.get_level_values(place), inner) for place in range(index.nlevels)]
        return {"t": "levels", "names": [_label(name, plain) for name in index.names], "v": levels}
    if type(index) is pandas.RangeIndex and len(index) <= MOST_IN_RANGE:
        values = inner(range(index.start, index.stop, index.step))
    else:
        values = _values(index, inner) if type(index) in _indexes(pandas) else inner(list(index))
    return {"t": "index", "name": _label(index.name, plain), "v": values}


def _label(name: Any, plain: Coder) -> Any:
    try:
        return plain(name)
    except NotAllPlain:
        return None


def _values(column: Any, inner: Coder) -> Any:
    if str(column.dtype) in _TYPED:
        return {"t": "typed", "k": str(column.dtype), "v": inner(column.tolist())}
    if getattr(column.dtype, "tz", None) is not None:
        moments = _moments(column, inner)
        return inner(column.tolist()) if moments is None else moments
    array = column.to_numpy()
    return inner(array if array.dtype.kind in ARRAY_KINDS else array.tolist())


def _moments(values: Any, inner: Coder) -> dict[str, Any] | None:
    """Moments in UTC, and the zone they are told in; None where it has no name."""
    import pandas

    index, zone = pandas.DatetimeIndex(values), None
    if index.tz is not None:
        zone, index = zone_name(index.tz), index.tz_convert("UTC").tz_localize(None)
        if zone is None:
            return None
    return {"t": "moments", "z": zone, "v": inner(index.to_numpy())}


def _moment(pandas: Any, value: Any, inner: Coder) -> dict[str, Any] | None:
    if value is pandas.NaT or value is pandas.NA:
        return {"t": "moment", "k": "NaT" if value is pandas.NaT else "NA"}
    if type(value) is pandas.Timedelta:
        return {"t": "moment", "k": "Timedelta", "v": inner(value.asm8)}
    if type(value) is not pandas.Timestamp:
        return None
    zone = None if value.tz is None else zone_name(value.tz)
    if value.tz is not None and zone is None:
        return None
    bare = value if zone is None else value.tz_convert("UTC").tz_localize(None)
    return {"t": "moment", "k": "Timestamp", "z": zone, "v": inner(bare.asm8)}


def _read_moment(pandas: Any, coded: dict[str, Any], inner: Coder) -> Any:
    import numpy

    kind = coded["k"]
    if kind in ("NaT", "NA"):
        return getattr(pandas, kind)
    value = inner(coded["v"])
    if (kind, type(value)) not in (("Timestamp", numpy.datetime64), ("Timedelta", numpy.timedelta64)):
        raise ValueError("not a moment")
    if kind == "Timedelta":
        return pandas.Timedelta(value)
    moment, zone = pandas.Timestamp(value), coded["z"]
    return moment if zone is None else moment.tz_localize("UTC").tz_convert(_zone(zone))


def _read_moments(pandas: Any, values: Any, zone: Any) -> Any:
    import numpy

    if type(values) is not numpy.ndarray or values.dtype.kind != "M" or values.ndim != 1:
        raise ValueError("not moments")
    index = pandas.DatetimeIndex(values)
    return (index if zone is None else index.tz_localize("UTC").tz_convert(_zone(zone))).array


def _read_index(pandas: Any, coded: Any, inner: Coder) -> Any:
    index = inner(coded)
    if not isinstance(index, pandas.Index):
        raise ValueError("not an index")
    return index


def _read_levels(pandas: Any, coded: dict[str, Any], inner: Coder) -> Any:
    levels = [_flat(pandas, inner(level)) for level in coded["v"]]
    if sum(map(len, levels)) > MOST_IN_LEVELS:
        raise ValueError("too large an index of several levels")
    for level in levels:
        refuse_alike_among(level)
    return pandas.MultiIndex.from_arrays(levels, names=[inner(name) for name in coded["names"]])


def _flat(pandas: Any, values: Any) -> Any:
    """Values that are as many as they took to send: of a range or a single value pandas would make any number."""
    import numpy

    if isinstance(values, pandas.api.extensions.ExtensionArray):
        return values
    if type(values) is not list and not (type(values) is numpy.ndarray and values.ndim == 1):
        raise ValueError("not a column")
    return values


def zone_name(zone: Any) -> str | None:
    """The name `zone` is found by again."""
    try:
        _zone(str(zone))
    except (ValueError, KeyError, OSError):
        return None
    return str(zone)


def _zone(name: Any) -> datetime.tzinfo:
    """By name alone: pandas itself would also open a file that a name says."""
    fixed = _FIXED.fullmatch(name)
    if fixed and fixed[1]:
        offset = datetime.timedelta(hours=int(fixed[2]), minutes=int(fixed[3]))
        return datetime.timezone(-offset if fixed[1] == "-" else offset)
    if fixed:
        return datetime.UTC
    if not _PLACE.fullmatch(name):
        raise ValueError("not a time zone")
    return zoneinfo.ZoneInfo(name)
