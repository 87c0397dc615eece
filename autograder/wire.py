"""Values between the learner's process and the test process: plain data of exact types, everything else by handle.

Exact: a subclass of float or str, which could lie about itself, is not plain. What arrives is always built here, from
JSON, out of the types below and those of `standard`, `arrays` and `tables`; no code of the other side runs in decoding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder import arrays, standard, tables
from autograder.hashed import TooAlike, refuse_alike

DEEPEST = 40
_LARGEST_JSON_INT = 1 << 53
_LONGEST_INT = 100_000  # in hexadecimal digits: what a test computes with it must end
# What malformed data raises in decoding: the libraries' own words for it too, and a library that cannot be loaded here.
_MALFORMED = (
    *(ValueError, TypeError, KeyError, AttributeError, ArithmeticError, MemoryError, IndexError),
    *(RuntimeError, AssertionError, ImportError, OSError, arrays.NotAllPlain),
)
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
    except TooAlike as error:
        raise WireError(str(error)) from None
    except _MALFORMED:
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

    def inner(part: Any) -> Any:
        return _encode(part, other, depth + 1)

    def plain(part: Any) -> Any:
        return _encode(part, _no_object, depth + 1)

    coded = standard.encode(value, inner) or arrays.encode(value, plain) or tables.encode(value, inner, plain)
    return other(value) if coded is None else coded


def _decode(coded: Any, other: Callable[[dict[str, Any]], Any], depth: int) -> Any:
    if coded is None or isinstance(coded, bool | int | str):
        return coded
    if not isinstance(coded, dict) or depth > DEEPEST + 2:
        raise WireError("malformed data")
    tag: str = coded["t"]
    body: Any = coded.get("v")

    def inner(part: Any) -> Any:
        return _decode(part, other, depth + 1)

    if tag == "int":
        if len(body) > _LONGEST_INT:
            raise WireError("a number out of all bounds")
        return int(body, 16)
    if tag == "float":
        return float.fromhex(body)
    if tag == "bytes":
        return bytes.fromhex(body)
    if tag in _SEQUENCES:
        items = [inner(item) for item in body]
        if tag in ("set", "frozenset"):
            refuse_alike(items)
        return _SEQUENCES[tag](items)
    if tag == "dict":
        pairs = [(inner(key), inner(item)) for key, item in body]
        refuse_alike([key for key, _ in pairs])
        return dict(pairs)
    if tag in standard.TAGS:
        return standard.decode(coded, inner)
    if tag in arrays.TAGS:
        return arrays.decode(coded, lambda part: _decode(part, _no_object, depth + 1))
    if tag in tables.TAGS:
        return tables.decode(coded, inner)
    return other(coded)


def _no_object(_: object) -> Any:
    raise arrays.NotAllPlain
