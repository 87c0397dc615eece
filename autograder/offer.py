"""What a test hands to the learner's code besides plain data: functions of its own, and the libraries' by name.

A function of the test's stays here; the learner's process gets a stand-in whose calls come back over the line, and
only while the test waits for an answer of hers. Of an object, only the methods of its class can be called: what it
holds may be an expected value. A class or function that a library defines is named, and hers imports it for itself.

Not covered: what the author's function itself tells in what it returns or raises.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from autograder.blame import Inexpressible

MOST_CALLS = 100_000
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.BuiltinMethodType)


class Offers:
    """The test's own objects that the learner's process may call, for as long as one test runs."""

    def __init__(self) -> None:
        self._offered: list[Any] = []
        self._calls = 0

    def clear(self) -> None:
        self._offered.clear()

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
        place = next((at for at, one in enumerate(self._offered) if one is value), len(self._offered))
        if place == len(self._offered):
            self._offered.append(value)
        return {"t": "offer", "v": place, "methods": methods}

    def find(self, place: Any, method: Any) -> Any:
        """What one of her calls is for; LookupError for what was not offered."""
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise LookupError("too many calls")
        if type(place) is not int or not 0 <= place < len(self._offered):
            raise LookupError("this was not handed over")
        value = self._offered[place]
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
