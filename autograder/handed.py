"""What one call hands over besides plain data, and which of it may come back when the call changed its arguments.

Each such thing has a name on the line: a handle and an offer their number, a library's function its module and name, a
dataclass of the author's its place in this call. A name this call did not hand over is refused, so an answer reaches
nothing else of the test's. A dataclass crosses once; where it is met again, its place alone does.

Not covered: two lists (or dicts) that are one object arrive as two.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from autograder import wire, writeback
from autograder.handle import Handle, number_of
from autograder.offer import Offers, library_name


class Handed:
    """Made anew for each call. `own_class` finds a dataclass the tests define themselves, by name."""

    def __init__(self, offers: Offers, own_class: Callable[[str], type | None]) -> None:
        self._offers, self._own_class = offers, own_class
        self._named: dict[tuple[Any, ...], Any] = {}
        self._records: list[Any] = []
        self._places: dict[int, int] = {}
        self._changed: dict[int, dict[str, Any]] = {}

    def encode(self, value: object) -> Any:
        return wire.encode(value, self._other)

    def _other(self, value: object) -> dict[str, Any]:
        kind = type(value)
        if dataclasses.is_dataclass(kind) and self._own_class(kind.__name__) is kind:
            return self._record(value, kind)
        tag = {"t": "mine", "v": number_of(value)} if isinstance(value, Handle) else self._offers.encode(value)
        self._named.setdefault(_name(tag), value)
        return tag

    def _record(self, value: Any, kind: Any) -> dict[str, Any]:
        if id(value) in self._places:
            return {"t": "record", "r": self._places[id(value)]}
        place = self._places[id(value)] = len(self._records)
        self._records.append(value)
        fields = [[one.name, self.encode(getattr(value, one.name))] for one in dataclasses.fields(kind)]
        named = library_name(kind)
        return {
            **{"t": "record", "r": place, "type": kind.__name__, "frozen": _is_frozen(value)},
            **{"library": None if named is None else list(named), "fields": fields},
        }

    def gave(self, tagged: Mapping[str, Any]) -> bool:
        """Whether `tagged`, in an answer, speaks of something a call handed over, not of an object of hers."""
        return tagged["t"] in ("mine", "offer", "library") or (tagged["t"] == "record" and "r" in tagged)

    def given(self, tagged: Mapping[str, Any], decode: Callable[[Any], Any]) -> Any:
        """The very object this call handed over; its fields follow with `settle`. KeyError or ValueError if none."""
        if tagged["t"] != "record":
            return self._named[_name(tagged)]
        place = tagged["r"]
        if type(place) is not int or not 0 <= place < len(self._records):
            raise ValueError("this was not handed over")
        value = self._records[place]
        if "fields" in tagged:
            names = [name for name, _ in tagged["fields"]]
            known = [one.name for one in dataclasses.fields(value)]
            if names != known or tagged["type"] != type(value).__name__ or place in self._changed:
                raise ValueError("another object")
            self._changed[place] = {}
            self._changed[place].update((name, decode(part)) for name, part in tagged["fields"])
        return value

    def settle(self) -> None:
        """The fields of what was handed over become what the answer said. ValueError where one cannot change."""
        told = [(self._records[place], fields) for place, fields in self._changed.items()]
        for value, fields in (one for one in told if _is_frozen(one[0])):
            for name, new in fields.items():
                writeback.follow(getattr(value, name), new)
        for value, fields in (one for one in told if not _is_frozen(one[0])):
            for name, new in fields.items():
                object.__setattr__(value, name, writeback.kept(getattr(value, name), new))


def _name(tag: Mapping[str, Any]) -> tuple[Any, ...]:
    body = tag["v"]
    if tag["t"] == "library":
        module, name = body
        return "library", module, name
    if type(body) is not int:
        raise ValueError("not a number")
    return tag["t"], body


def _is_frozen(value: Any) -> bool:
    frozen: bool = type(value).__dataclass_params__.frozen
    return frozen
