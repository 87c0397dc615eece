"""On the learner's side: what came with one call besides plain data, so that it can go back under the same name.

The test's side of it is `handed`. Nothing here is trusted by anybody.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from autograder.offer import resolve


class Arrived:
    """Made anew for each message; `classes` finds the class of a dataclass of the test's."""

    def __init__(self, classes: Callable[[Mapping[str, Any]], type]) -> None:
        self._classes = classes
        self._tags: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._records: dict[int, Any] = {}
        self._told: set[int] = set()

    def keep(self, value: Any, tag: dict[str, Any]) -> Any:
        self._tags.setdefault(id(value), (value, tag))
        return value

    def record(self, tag: dict[str, Any], decode: Callable[[Any], Any]) -> Any:
        if "fields" not in tag:
            return self._records[tag["r"]]
        made: Any = object.__new__(self._classes(tag))
        self._records[tag["r"]] = made
        self.keep(made, tag)
        for name, value in tag["fields"]:
            object.__setattr__(made, name, decode(value))
        return made

    def tag(self, value: object, encode: Callable[[Any], Any]) -> dict[str, Any] | None:
        """What `value` came as, with what its fields are now; None for what did not come."""
        _, tag = self._tags.get(id(value), (None, None))
        if tag is None or tag["t"] != "record":
            return tag
        if tag["r"] in self._told:
            return {"t": "record", "r": tag["r"]}
        self._told.add(tag["r"])
        return {**tag, "fields": [[name, encode(getattr(value, name))] for name, _ in tag["fields"]]}


class Classes:
    """The classes of the test's dataclasses: hers of that name and those fields, a library's, or one made here."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names
        self._made: dict[tuple[Any, ...], type] = {}

    def __call__(self, tag: Mapping[str, Any]) -> type:
        fields = tuple(name for name, _ in tag["fields"])
        for found in (self._names.get(tag["type"]), _imported(tag.get("library"))):
            if isinstance(found, type) and _names(found) == fields:
                return found
        key = (tag["type"], fields, tag["frozen"])
        if key not in self._made:
            self._made[key] = dataclasses.make_dataclass(tag["type"], fields, frozen=tag["frozen"])
        return self._made[key]


def _names(kind: Any) -> tuple[str, ...] | None:
    return tuple(one.name for one in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


def _imported(named: list[str] | None) -> Any:
    if named is None:
        return None
    __import__(named[0])
    return resolve(*named)
