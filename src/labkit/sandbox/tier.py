"""What a tier is to those that list or choose one; its file says the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from labkit.sandbox.ending import Watched
from labkit.sandbox.sandbox import Sandbox


@dataclass(frozen=True)
class Entrance:
    """What a forked child takes with it: `body` to run, descriptors to `keep`, the `forker` whose end ends it, and a
    name for the `scratch` folder, where the tier makes one."""

    sandbox: Sandbox
    body: Callable[[], NoReturn]
    keep: tuple[int, ...]
    forker: Watched
    scratch: Path


@dataclass(frozen=True)
class Tier:
    """`prepare` is called in the process that forks, once or more; `enter` in the child, and does not return.

    Both raise where the tier cannot be entered (`enter` before the body has run). A tier without them execs, and is for
    servers.
    """

    name: str
    covers: tuple[str, ...]
    does_not_cover: tuple[str, ...]
    prepare: Callable[[], None] | None = None
    enter: Callable[[Entrance], NoReturn] | None = None

    @property
    def warm(self) -> bool:
        return self.enter is not None
