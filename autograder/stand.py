"""What stands in the learner's process for a function or an object of the test's.

Of a function it tells name, text and parameters, as the real one would; every call goes back to the test's process.
Not covered: annotations, and defaults that are not plain (shown as `...`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from autograder.asked import Asked


class Stand:
    """Stands in for a function or an object of the test's."""

    def __init__(self, asked: Asked, offer: int, methods: list[str]) -> None:
        self._labkit_asked, self.labkit_offer, self.labkit_methods = asked, offer, methods

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.labkit_methods:
            raise AttributeError(name)
        return lambda *args, **words: self._labkit_asked.call_back(self.labkit_offer, name, args, words)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self  # as a function's copy is the function


class CallableStand(Stand):
    def __call__(self, *args: Any, **words: Any) -> Any:
        return self._labkit_asked.call_back(self.labkit_offer, "__call__", args, words)


def stand(asked: Asked, tagged: Mapping[str, Any]) -> Stand:
    methods = tagged["methods"]
    made = (CallableStand if not methods or "__call__" in methods else Stand)(asked, tagged["v"], methods)
    told = tagged.get("told")
    if told is not None:
        vars(made).update(__name__=told["name"], __qualname__=told["qualname"], __doc__=told["doc"])
        if told["signature"] is not None:
            vars(made)["__signature__"] = inspect.Signature([_parameter(*one) for one in told["signature"]])
    return made


def _parameter(name: str, kind: int, default: list[Any] | None) -> inspect.Parameter:
    """`default`: None where there is none, [] where it is not told, else the value alone in a list."""
    value = inspect.Parameter.empty if default is None else (default[0] if default else ...)
    return inspect.Parameter(name, inspect._ParameterKind(kind), default=value)
