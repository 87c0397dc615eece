"""What a test hands to the learner's code besides plain data: functions of its own, and the libraries' by name.

A function of the test's stays here; the learner's process gets a stand-in whose calls come back over the line, and
only while the test waits for an answer of hers. Of an object, only the methods of its class can be called: what it
holds may be an expected value. A class or function that a library defines is named, and hers imports it for itself.

Not covered: what the author's function itself tells in what it returns or raises.
"""

from __future__ import annotations

import inspect
import sys
import types
from typing import Any

from autograder.blame import Inexpressible

MOST_CALLS = 100_000
_LONGEST_NAME, _LONGEST_TEXT = 200, 2_000
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.BuiltinMethodType)


class Offers:
    """The test's own objects that the learner's process may call, for as long as one test runs."""

    def __init__(self) -> None:
        self._offered: list[tuple[Any, dict[str, Any]]] = []
        self._places: dict[tuple[int, ...], int] = {}
        self._first = 0  # no number is given twice: what she kept of an earlier test must reach nothing of a later one
        self._calls = 0

    def clear(self) -> None:
        self._first += len(self._offered)
        self._offered.clear()
        self._places.clear()

    def encode(self, value: Any) -> dict[str, Any]:
        """Raises Inexpressible for what can neither be named nor called."""
        named = library_name(value)
        if named is not None:
            return {"t": "library", "v": list(named)}
        if isinstance(value, types.ModuleType):
            raise Inexpressible("a test cannot hand over a module; the learner's code imports it for itself")
        function = isinstance(value, _FUNCTIONS)
        methods = [] if function else _methods(type(value))
        if not function and not methods:
            raise Inexpressible(
                f"a test cannot hand a {type(value).__name__} to a learner's code; hand it plain data, a function, "
                "or an object of a class with methods"
            )
        place = self._places.setdefault(_identity(value), self._first + len(self._offered))
        if place == self._first + len(self._offered):
            told = {"told": _told(value)} if function else {}
            self._offered.append((value, {"t": "offer", "v": place, "methods": methods, **told}))
        return self._offered[place - self._first][1]

    def find(self, place: Any, method: Any) -> Any:
        """What one of her calls is for; LookupError for what was not offered."""
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise LookupError("too many calls")
        if type(place) is not int or not 0 <= place - self._first < len(self._offered):
            raise LookupError("this was not handed over")
        value, _ = self._offered[place - self._first]
        if isinstance(value, _FUNCTIONS):
            if method != "__call__":
                raise LookupError("a function is only called")
            return value
        if not isinstance(method, str) or method not in _methods(type(value)):
            raise LookupError("there is no such method")
        return getattr(value, method)


def library_name(value: Any) -> tuple[str, str] | None:
    """Module and name of a class or function that a library defines; None for the author's own."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(value, types.MethodType) or not isinstance(module, str) or not isinstance(name, str):
        return None
    if module == "__main__" or module.split(".")[0] in ("autograder", "labkit"):
        return None
    try:
        return (module, name) if resolve(module, name) is value else None
    except LookupError:
        return None


def resolve(module: str, name: str) -> Any:
    """The object of that name in a module that is imported already."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise LookupError(f"{module}.{name}")
    return found


def _methods(kind: type) -> list[str]:
    """The public methods an author's class defines, and whether it is called itself."""
    names = {name for base in kind.__mro__ if base.__module__ == "__main__" for name in vars(base)}
    public = [name for name in names if name == "__call__" or not name.startswith("_")]
    return sorted(name for name in public if isinstance(getattr(kind, name), types.FunctionType))


def _identity(value: Any) -> tuple[int, ...]:
    """Each access makes a bound method anew."""
    return (id(value.__self__), id(value.__func__)) if isinstance(value, types.MethodType) else (id(value),)


def _told(function: Any) -> dict[str, Any]:
    """What a stand-in tells of the function it stands for: names, text and parameters."""
    name, qualname = (_short(getattr(function, word, None), _LONGEST_NAME) for word in ("__name__", "__qualname__"))
    text = _short(getattr(function, "__doc__", None), _LONGEST_TEXT)
    return {"name": name or "", "qualname": qualname or "", "doc": text, "signature": _signature(function)}


def _short(text: Any, longest: int) -> str | None:
    return text[:longest] if type(text) is str else None


def _signature(function: Any) -> list[list[Any]] | None:
    """[[name, kind, default], ...]: None where there is no default, [] where it is not told, else [value]."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[one.name[:_LONGEST_NAME], int(one.kind), _default(one.default)] for one in parameters]


def _default(value: Any) -> list[Any] | None:
    if value is inspect.Parameter.empty:
        return None
    plain = value is None or type(value) in (bool, float) or (type(value) is str and len(value) <= _LONGEST_NAME)
    return [value] if plain or (type(value) is int and abs(value) < 1 << 53) else []
