"""What stands in a test for an object of the learner's that is not plain data.

It is never equal to anything, never true, never a number. What its own methods say of it is believed only where the
lab's own answer gives an object in the same place too (`trusted`, see observe.py): where that gives a list or an
array, an object with a length, a shape or members of its choice is none. What such an object can still do is be
walked, from the first item to the last, and then the items are what they were however often it is walked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autograder.blame import Empty, Malformed, NotPlain, StopAsking
from autograder.emptiness import is_empty

if TYPE_CHECKING:
    from autograder.peer import Peer

MOST_ITEMS = 100_000
_READ_ALL_THE_SAME = ("__name__", "__doc__")
_OWN = ("_peer", "_number", "_label", "_kind", "_is", "_trusted", "_filled", "_kept")
_LONGEST_LABEL = 80


class Handle:
    """Called, read, indexed, walked, written to, computed with; its operators give handles, never numbers."""

    __slots__ = _OWN
    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None  # numpy leaves operators to us

    def __init__(
        self, peer: Peer, number: int, label: str, kind: str, is_: str, trusted: bool, filled: bool = False
    ) -> None:
        for name, value in zip(_OWN, (peer, number, label, kind, is_, trusted, filled, None), strict=True):
            object.__setattr__(self, name, value)

    def __call__(self, *args: object, **words: object) -> Any:
        self._must_be_trusted()
        return self._peer.call(self._label, self._number, args, words)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name not in _READ_ALL_THE_SAME:
            raise AttributeError(name)
        self._must_be_trusted()
        return self._peer.ask("attribute", below(self._label, name), on=self._number, name=name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            raise AttributeError(name)
        self._must_be_trusted()
        self._peer.ask("set", self._label, on=self._number, name=name, to=self._peer.encode(value))

    def __getitem__(self, key: object) -> Any:
        self._must_be_trusted()
        return self._peer.ask("item", self._label, on=self._number, key=self._peer.encode(key))

    def __setitem__(self, key: object, value: object) -> None:
        self._must_be_trusted()
        key_, to = self._peer.encode(key), self._peer.encode(value)
        self._peer.ask("set-item", self._label, on=self._number, key=key_, to=to)

    def __contains__(self, item: object) -> bool:
        self._must_be_trusted()
        return self._truth("contains", item=self._peer.encode(item))

    def __len__(self) -> int:
        self._must_be_trusted()
        length = self._peer.ask("length", self._label, on=self._number)
        if type(length) is not int or not 0 <= length < 1 << 31:
            raise Malformed(self._label)
        return length

    def __iter__(self) -> Iterator[Any]:
        if not self._trusted:
            if self._kept is None:
                object.__setattr__(self, "_kept", Walked(self._walk(), Empty(self._label) if self._filled else None))
            return iter(self._kept)
        return self._walk()

    def _walk(self) -> Iterator[Any]:
        iterator = self._peer.ask("iterate", self._label, on=self._number)
        if type(iterator) is not Handle:
            raise Malformed(self._label)
        return walk(self._peer, self._label, iterator)

    def __instancecheck__(self, value: object) -> bool:
        """`isinstance(value, SomeClass)` where the class is hers."""
        self._must_be_trusted()
        if self._is != "class":
            raise NotPlain(self._label, text=self._kind)
        return isinstance(value, Handle) and self._truth("isinstance", item=self._peer.encode(value))

    def __subclasscheck__(self, value: object) -> bool:
        self._must_be_trusted()
        return isinstance(value, Handle) and self._truth("issubclass", item=self._peer.encode(value))

    def __deepcopy__(self, _memo: object) -> Handle:
        return self  # it stands for one object of hers, however often it is copied

    def __repr__(self) -> str:
        return f"<{self._label} of the learner>"

    def _truth(self, op: str, **fields: Any) -> bool:
        answer = self._peer.ask(op, self._label, on=self._number, **fields)
        if type(answer) is not bool:
            raise Malformed(self._label)
        return answer

    def _must_be_trusted(self) -> None:
        if not self._trusted:
            raise NotPlain(self._label, text=self._kind)

    def _refuse(self, *_: object) -> Any:
        raise NotPlain(self._label, text=self._kind)

    def _compute(self, operator: str, *others: object) -> Handle:
        """An operator's result is looked at by its attributes: a number would be what her object says it is."""
        self._must_be_trusted()
        coded = [self._peer.encode(other) for other in others]
        try:
            result = self._peer.ask("operator", self._label, on=self._number, name=operator, args=coded)
        except TypeError:  # her object knows no such operator: a number was expected where it came
            result = None
        if not isinstance(result, Handle):
            raise NotPlain(self._label, text=self._kind)
        return result


class Record(Handle):
    """A dataclass, named tuple or namespace of hers: equal to another where its type and every field, as data, are.

    A named tuple is a tuple too, by its fields. One without any field is equal to nothing: it says nothing.
    """

    __slots__ = ()
    __hash__ = None

    def __eq__(self, other: object) -> bool:
        kind, fields = self._content()
        if not fields:
            return False
        if isinstance(other, Record):
            return (kind, fields) == other._content()
        return kind == "" and type(other) is tuple and tuple(fields.values()) == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __getitem__(self, key: object) -> Any:
        values = self._values()
        return super().__getitem__(key) if values is None else values[key]  # type: ignore[call-overload]

    def __len__(self) -> int:
        values = self._values()
        return super().__len__() if values is None else len(values)

    def __iter__(self) -> Iterator[Any]:
        values = self._values()
        return super().__iter__() if values is None else iter(values)

    def _values(self) -> tuple[Any, ...] | None:
        kind, fields = self._content()
        return tuple(fields.values()) if kind == "" else None

    def _content(self) -> tuple[str, dict[str, Any]]:
        """Its type's name ("" for a named tuple) and its fields."""
        content: tuple[str, dict[str, Any]] | None = self._kept
        if content is not None:
            return content
        content = self._peer.ask("fields", self._label, on=self._number)
        if type(content) is not tuple or len(content) != 2 or type(content[1]) is not dict:
            raise Malformed(self._label)
        if self._filled and is_empty(tuple(content[1].values())):
            raise Empty(self._label)
        if not self._trusted:  # where data is expected it does not change
            object.__setattr__(self, "_kept", content)
        return content


class Walked:
    """The items of one walk, kept, so that each further walk meets the same ones; `if_none` is raised where there is
    none."""

    def __init__(self, items: Iterator[Any], if_none: Exception | None) -> None:
        self._items, self._kept, self._if_none = items, list[Any](), if_none

    def __iter__(self) -> Iterator[Any]:
        at = 0
        while True:
            while at < len(self._kept):
                yield self._kept[at]
                at += 1
            try:
                self._kept.append(next(self._items))
            except StopIteration:
                if self._if_none is not None and not self._kept:
                    raise self._if_none from None
                return


def below(label: str, name: str) -> str:
    """What an attribute is called to a learner; of a long way only its start and its end are told."""
    start = label if len(label) <= _LONGEST_LABEL else f"{label[:_LONGEST_LABEL].partition('.')[0]}…"
    return f"{start}.{name}"


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
    value._must_be_trusted()
    peer, label = (object.__getattribute__(value, name) for name in ("_peer", "_label"))
    try:
        return peer.ask("next", label, on=number_of(value))
    except StopAsking:
        if otherwise:
            return otherwise[0]
        raise StopIteration from None


def walk(peer: Peer, label: str, iterator: Handle) -> Iterator[Any]:
    for _ in range(MOST_ITEMS):
        try:
            yield peer.ask("next", label, on=number_of(iterator))
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
