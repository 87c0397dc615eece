"""What stands in a test for an object of the learner's that is not plain data.

It is never equal to anything, never true, never a number. What its own methods say of it is believed only where the
test made the object or asked for it by name (`built`): a function that returns an object with a length, a shape or
members of its choice returned no list and no array.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autograder.blame import Malformed, NotPlain, StopAsking

if TYPE_CHECKING:
    from autograder.peer import Peer

MOST_ITEMS = 100_000
_READ_ALL_THE_SAME = ("__name__", "__doc__")
# Attributes and methods by which arrays, tensors and tables tell of themselves; from anything else that a function
# returned they are claims nobody can check.
_CLAIMS = frozenset(
    (
        *("shape", "dtype", "ndim", "size", "device", "nbytes", "itemsize", "columns", "index", "T", "real"),
        *("imag", "sum", "mean", "std", "var", "prod", "min", "max", "argmin", "argmax", "all", "any", "item"),
        *("tolist", "numpy", "norm", "dot", "equal", "allclose", "isclose", "eq", "ne", "lt", "le", "gt", "ge"),
        *("round", "abs", "isnan", "isfinite", "numel"),
    )
)
_OWN = ("_peer", "_number", "_label", "_kind", "_is", "_built")


class Handle:
    """Called, read, indexed, walked, written to, computed with; its operators give handles, never numbers."""

    __slots__ = _OWN
    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None  # numpy leaves operators to us

    def __init__(self, peer: Peer, number: int, label: str, kind: str, is_: str, built: bool) -> None:
        for name, value in zip(_OWN, (peer, number, label, kind, is_, built), strict=True):
            object.__setattr__(self, name, value)

    def __call__(self, *args: object, **words: object) -> Any:
        built = self._built and self._is == "class"
        return self._peer.call(self._label, self._number, args, words, built=built)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name not in _READ_ALL_THE_SAME:
            raise AttributeError(name)
        if name in _CLAIMS:
            self._must_be_built()
        label = f"{self._label}.{name}"
        return self._peer.ask("attribute", label, built=self._built, on=self._number, name=name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            raise AttributeError(name)
        self._peer.ask("set", self._label, on=self._number, name=name, to=self._peer.encode(value))

    def __getitem__(self, key: object) -> Any:
        return self._peer.ask("item", self._label, built=self._built, on=self._number, key=self._peer.encode(key))

    def __setitem__(self, key: object, value: object) -> None:
        key_, to = self._peer.encode(key), self._peer.encode(value)
        self._peer.ask("set-item", self._label, on=self._number, key=key_, to=to)

    def __contains__(self, item: object) -> bool:
        self._must_be_built()
        return self._truth("contains", item=self._peer.encode(item))

    def __len__(self) -> int:
        self._must_be_built()
        length = self._peer.ask("length", self._label, on=self._number)
        if type(length) is not int or not 0 <= length < 1 << 31:
            raise Malformed(self._label)
        return length

    def __iter__(self) -> Iterator[Any]:
        iterator = self._peer.ask("iterate", self._label, on=self._number)
        if type(iterator) is not Handle:
            raise Malformed(self._label)
        return walk(self._peer, self._label, iterator, self._built)

    def __instancecheck__(self, value: object) -> bool:
        """`isinstance(value, SomeClass)` where the class is hers."""
        if self._is != "class":
            raise NotPlain(self._label, text=self._kind)
        return isinstance(value, Handle) and self._truth("isinstance", item=self._peer.encode(value))

    def __subclasscheck__(self, value: object) -> bool:
        return isinstance(value, Handle) and self._truth("issubclass", item=self._peer.encode(value))

    def __repr__(self) -> str:
        return f"<{self._label} of the learner>"

    def _truth(self, op: str, **fields: Any) -> bool:
        answer = self._peer.ask(op, self._label, on=self._number, **fields)
        if type(answer) is not bool:
            raise Malformed(self._label)
        return answer

    def _must_be_built(self) -> None:
        if not self._built:
            raise NotPlain(self._label, text=self._kind)

    def _refuse(self, *_: object) -> Any:
        raise NotPlain(self._label, text=self._kind)

    def _compute(self, operator: str, *others: object) -> Handle:
        """An operator's result is looked at by its attributes: a number would be what her object says it is."""
        coded = [self._peer.encode(other) for other in others]
        try:
            result = self._peer.ask(
                "operator", self._label, built=self._built, on=self._number, name=operator, args=coded
            )
        except TypeError:  # her object knows no such operator: a number was expected where it came
            result = None
        if not isinstance(result, Handle):
            raise NotPlain(self._label, text=self._kind)
        return result


class Record(Handle):
    """A dataclass, named tuple or namespace of hers: equal to another where its type and every field, as data, are."""

    __slots__ = ()
    __hash__ = None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Record):
            return self._content() == other._content()
        kind, fields = self._content()
        return kind == "" and type(other) is tuple and tuple(fields.values()) == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def _content(self) -> tuple[str, dict[str, Any]]:
        """Its type's name ("" for a named tuple) and its fields."""
        content = self._peer.ask("fields", self._label, on=self._number)
        if type(content) is not tuple or len(content) != 2 or type(content[1]) is not dict:
            raise Malformed(self._label)
        return content


def number_of(handle: Handle) -> int:
    """What the learner's process knows the object by."""
    number: int = object.__getattribute__(handle, "_number")
    return number


def is_callable(value: object) -> bool:
    """`callable` for tests: a handle always has a `__call__`, her object may not."""
    if isinstance(value, Handle):
        return object.__getattribute__(value, "_is") in ("class", "callable")
    return callable(value)


def next_of(value: Any, *otherwise: Any) -> Any:
    """`next` for tests. A method of the class would make every object of hers look like an iterator."""
    if not isinstance(value, Handle):
        return next(value, *otherwise)
    peer, label, built = (object.__getattribute__(value, name) for name in ("_peer", "_label", "_built"))
    try:
        return peer.ask("next", label, built=built, on=number_of(value))
    except StopAsking:
        if otherwise:
            return otherwise[0]
        raise StopIteration from None


def walk(peer: Peer, label: str, iterator: Handle, built: bool) -> Iterator[Any]:
    for _ in range(MOST_ITEMS):
        try:
            yield peer.ask("next", label, built=built, on=number_of(iterator))
        except StopAsking:
            return
    raise Malformed(label, text=f"more than {MOST_ITEMS} items")


def _operator(name: str) -> Any:
    def compute(self: Handle, *others: object) -> Handle:
        return self._compute(name, *others)

    return compute


_COMPARING = ("eq", "ne", "lt", "le", "gt", "ge", "bool", "float", "int", "index", "complex", "round")
_COMPUTING = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
for _name in _COMPARING:
    setattr(Handle, f"__{_name}__", Handle._refuse)
for _name in (*_COMPUTING, *(f"r{name}" for name in _COMPUTING), "neg", "pos", "abs", "invert"):
    setattr(Handle, f"__{_name}__", _operator(f"__{_name}__"))
