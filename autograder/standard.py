"""The standard library's plain values on the wire: each by what it is made of, built again here by its own class.

Exact types only, as everywhere on the wire. A defaultdict arrives without the function that made its defaults.
"""

from __future__ import annotations

import collections
import datetime
import sys
from collections.abc import Callable
from typing import Any

TAGS = frozenset(
    (
        "complex",
        "bytearray",
        "range",
        "deque",
        "Counter",
        "OrderedDict",
        "defaultdict",
        "Decimal",
        "Fraction",
        "time",
        "view",
    )
)
_TIMES: dict[str, type] = {kind.__name__: kind for kind in (datetime.date, datetime.time, datetime.datetime)}
_LONGEST_NUMBER = 1_000
_VIEWS = {
    type(getattr(made, name)()): (type(made), name)
    for made in (dict[Any, Any](), collections.OrderedDict[Any, Any]())
    for name in ("keys", "values", "items")
}


def encode(value: Any, inner: Callable[[Any], Any]) -> dict[str, Any] | None:
    """None where `value` is none of these."""
    kind = type(value)
    if kind is complex:
        return {"t": "complex", "v": [value.real.hex(), value.imag.hex()]}
    if kind is bytearray:
        return {"t": "bytearray", "v": bytes(value).hex()}
    if kind is range:
        return {"t": "range", "v": inner([value.start, value.stop, value.step])}
    if kind is datetime.timedelta:
        return {"t": "time", "k": "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    if kind.__name__ in _TIMES and kind is _TIMES[kind.__name__]:
        return {"t": "time", "k": kind.__name__, "v": value.isoformat()}
    return _view(kind, value, inner) or _collection(kind, value, inner) or _number(kind, value)


def _view(kind: type, value: Any, inner: Callable[[Any], Any]) -> dict[str, Any] | None:
    """A view of a dict crosses as a dict that has such a view: of values, their places are the keys."""
    if kind not in _VIEWS:
        return None
    holder, name = _VIEWS[kind]
    parts = list(value)
    pairs: Any = {"keys": ((key, None) for key in parts), "values": enumerate(parts), "items": parts}[name]
    return {"t": "view", "k": name, "v": inner(holder(pairs))}


def _collection(kind: type, value: Any, inner: Callable[[Any], Any]) -> dict[str, Any] | None:
    if kind is collections.deque:
        return {"t": "deque", "v": inner(list(value)), "m": inner(value.maxlen)}
    if kind in (collections.Counter, collections.OrderedDict, collections.defaultdict):
        return {"t": kind.__name__, "v": inner(dict(value))}
    return None


def _number(kind: type, value: Any) -> dict[str, Any] | None:
    decimal, fractions = sys.modules.get("decimal"), sys.modules.get("fractions")
    if decimal and kind is decimal.Decimal:
        return {"t": "Decimal", "v": str(value)}
    if fractions and kind is fractions.Fraction:
        return {"t": "Fraction", "v": [str(value.numerator), str(value.denominator)]}
    return None


def decode(coded: dict[str, Any], inner: Callable[[Any], Any]) -> Any:
    """Raises ValueError, TypeError or KeyError for what is malformed."""
    tag, body = coded["t"], coded["v"]
    if tag == "complex":
        real, imaginary = body
        return complex(float.fromhex(real), float.fromhex(imaginary))
    if tag == "bytearray":
        return bytearray(bytes.fromhex(body))
    if tag == "range":
        return range(*inner(body))
    if tag == "time":
        return _time(coded["k"], body)
    if tag in ("Decimal", "Fraction"):
        return _read_number(tag, body)
    if tag == "view":
        return _read_view(coded["k"], inner(body))
    if tag == "deque":
        return collections.deque(inner(body), inner(coded["m"]))
    content = inner(body)
    if type(content) is not dict:
        raise ValueError("not a mapping")
    return collections.defaultdict(None, content) if tag == "defaultdict" else getattr(collections, tag)(content)


def _read_view(kind: str, holder: Any) -> Any:
    if type(holder) not in (dict, collections.OrderedDict) or kind not in ("keys", "values", "items"):
        raise ValueError("not a view")
    return getattr(holder, kind)()


def _time(kind: str, body: Any) -> Any:
    if kind == "timedelta":
        days, seconds, microseconds = body
        return datetime.timedelta(days, seconds, microseconds)
    return _TIMES[kind].fromisoformat(body)  # type: ignore[attr-defined]


def _read_number(tag: str, body: Any) -> Any:
    texts = [body] if tag == "Decimal" else list(body)
    # A short text can stand for a number with a billion digits; a long one takes long to read.
    if not all(isinstance(text, str) and len(text) <= _LONGEST_NUMBER for text in texts):
        raise ValueError("not a number")
    if tag == "Decimal":
        import decimal

        number = decimal.Decimal(texts[0])
        if abs(number.adjusted()) > _LONGEST_NUMBER:
            raise ValueError("a number out of all bounds")
        return number
    import fractions

    return fractions.Fraction(int(texts[0]), int(texts[1]))
