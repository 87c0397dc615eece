"""What a call changed in its arguments, on its way back to whoever made the call.

The learner's side says what each changeable argument looks like after the call (`changes`); the test's side makes its
own objects look like that (`apply`), in place, so that every name for them sees it. Inside containers of one type and
length the objects stay the same ones; elsewhere new ones take their place. Objects of the learner's own are not
copies and need none of this; they, the test's functions and the author's dataclasses are found again by `handed`.

Not covered: two arguments that are one object arrive as two.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograder.handle import Handle, number_of

_CHANGEABLE = frozenset(("list", "dict", "set", "bytearray", "deque", "Counter", "OrderedDict", "defaultdict"))
_CHANGEABLE_TOO = frozenset(("tuple", "array", "tensor", "table", "column", "record", "view", "objects"))
_MAPPINGS: tuple[dict[Any, Any], ...] = ({}, OrderedDict())
_VIEWS = tuple(type(view) for one in _MAPPINGS for view in (one.keys(), one.values(), one.items()))


def changes(given: Sequence[Any], values: Sequence[Any], encode: Callable[[Any], Any]) -> list[list[Any]]:
    """[[place, what it is now], ...] for each argument that no longer is what was `given` (coded)."""
    found = []
    for place, (coded, value) in enumerate(zip(given, values, strict=True)):
        if isinstance(coded, dict) and coded.get("t") in _CHANGEABLE | _CHANGEABLE_TOO:
            now = encode(value)
            if now != coded:
                found.append([place, now])
    return found


def apply(old: Any, new: Any) -> None:
    """Makes `old` look like `new`. Both are plain data of exact types, so none of the learner's code runs.

    Raises ValueError where that cannot be: another type, or another shape of an array.
    """
    kind = type(old)
    if _is_same(old, new):
        return
    if type(new) is not kind:
        raise ValueError("another type")
    if kind in (list, deque):
        parts = _merged(list(old), list(new))
        old.clear()
        old.extend(parts)
    elif kind in (dict, Counter, OrderedDict, defaultdict):
        merged = {key: kept(old.get(key), value) for key, value in new.items()}
        old.clear()
        old.update(merged)
    elif kind is set:
        old.clear()
        old.update(new)
    elif kind is bytearray:
        old[:] = new
    elif kind is tuple or kind in _VIEWS:
        for mine, theirs in zip(old, new, strict=True):
            follow(mine, theirs)
    else:
        _numeric(kind, old, new)


def _is_same(old: Any, new: Any) -> bool:
    return old is new or (isinstance(old, Handle) and isinstance(new, Handle) and number_of(old) == number_of(new))


def _merged(old: list[Any], new: list[Any]) -> list[Any]:
    if len(old) != len(new):
        return new
    return [kept(mine, theirs) for mine, theirs in zip(old, new, strict=True)]


def kept(old: Any, new: Any) -> Any:
    """`old` itself, made to look like `new`, where it can; else `new`."""
    try:
        apply(old, new)
    except ValueError:
        return new
    return old


def follow(old: Any, new: Any) -> None:
    """For a part that cannot be replaced, as a tuple's: what can change follows, the rest must be what it was."""
    if type(old) is type(new) and isinstance(old, str | int | float | bytes | None):
        if repr(old) != repr(new):
            raise ValueError("a part that cannot change")
        return
    apply(old, new)


def _numeric(kind: type, old: Any, new: Any) -> None:
    numpy, torch, pandas = (sys.modules.get(name) for name in ("numpy", "torch", "pandas"))
    if numpy and kind is numpy.ndarray:
        if old.shape != new.shape or old.dtype != new.dtype:
            raise ValueError("another shape")
        old[...] = new
    elif torch and kind in (torch.Tensor, torch.nn.Parameter):
        if old.shape != new.shape or old.dtype != new.dtype:
            raise ValueError("another shape")
        with torch.no_grad():
            old.copy_(new)
        if old.is_leaf and old.requires_grad:
            old.grad = new.grad
    elif pandas and kind in (pandas.DataFrame, pandas.Series):
        old._update_inplace(new)
    else:
        raise ValueError("a value that does not change")


def by_place(args: Sequence[Any], words: Mapping[str, Any]) -> list[Any]:
    """A call's arguments in the one order both sides count them in."""
    return [*args, *words.values()]
