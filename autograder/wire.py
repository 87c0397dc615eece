"""Values between the learner's process and the test process: plain data of exact types, everything else by handle.

Exact: a subclass of float or str, which could lie about itself, is not plain. What arrives is always built here, from
JSON, out of the types below; no code of the other side runs in decoding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder import arrays

DEEPEST = 40
# Numbers can be chosen to share one hash; then a set of n takes n * n steps to build, on our side.
MOST_HASHED = 20_000
_LARGEST_JSON_INT = 1 << 53
_SEQUENCES: dict[str, Callable[[Any], Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class WireError(Exception):
    """A value that cannot cross."""


def encode(value: object, other: Callable[[object], Any]) -> Any:
    """`value` as JSON; `other` answers for what is not plain data."""
    return _encode(value, other, 0)


def decode(coded: Any, other: Callable[[dict[str, Any]], Any]) -> Any:
    """The value again; `other` answers for a tag it does not know. Raises WireError for what is malformed."""
    try:
        return _decode(coded, other, 0)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, MemoryError, IndexError):
        raise WireError("malformed data") from None


def _encode(value: Any, other: Callable[[object], Any], depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -_LARGEST_JSON_INT < value < _LARGEST_JSON_INT else {"t": "int", "v": hex(value)}
    if kind is float:
        return {"t": "float", "v": value.hex()}
    if kind is bytes:
        return {"t": "bytes", "v": value.hex()}
    if depth > DEEPEST:
        raise WireError("nested too deeply")
    if kind in (list, tuple, set, frozenset):
        return {"t": kind.__name__, "v": [_encode(item, other, depth + 1) for item in list(value)]}
    if kind is dict:
        pairs = [[_encode(k, other, depth + 1), _encode(v, other, depth + 1)] for k, v in list(value.items())]
        return {"t": "dict", "v": pairs}
    coded = arrays.encode(value, lambda inner: _encode(inner, other, depth + 1))
    return other(value) if coded is None else coded


def _decode(coded: Any, other: Callable[[dict[str, Any]], Any], depth: int) -> Any:
    if coded is None or isinstance(coded, bool | int | str):
        return coded
    if not isinstance(coded, dict) or depth > DEEPEST + 2:
        raise WireError("malformed data")
    tag: str = coded["t"]
    body: Any = coded.get("v")
    if tag == "int":
        return int(body, 16)
    if tag == "float":
        return float.fromhex(body)
    if tag == "bytes":
        return bytes.fromhex(body)
    if tag in ("set", "frozenset", "dict") and len(body) > MOST_HASHED:
        raise WireError("too large to hash")
    if tag in _SEQUENCES:
        return _SEQUENCES[tag]([_decode(item, other, depth + 1) for item in body])
    if tag == "dict":
        return {_decode(key, other, depth + 1): _decode(item, other, depth + 1) for key, item in body}
    if tag in arrays.TAGS:
        return arrays.decode(coded, lambda inner: _decode(inner, other, depth + 1))
    return other(coded)
