"""What a sandbox is: what its child may see, use and spend. A tier (bubblewrap.py) turns it into a command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Bind:
    """`source` of the host, seen at `target` (the same path, if not given)."""

    source: Path
    target: str = ""
    writable: bool = False

    @property
    def at(self) -> str:
        return self.target or str(self.source)


@dataclass(frozen=True)
class Limits:
    """`cpu_seconds`, `data_mb`, `file_mb`, `files` hold for each process; `processes` for each host uid (for each
    sandbox where one starts as an ordinary account). `seconds` and `memory_mb` hold for the whole tree and are kept
    by `start`, not by the command line. 0 means no limit."""

    seconds: float = 0
    memory_mb: int = 0
    cpu_seconds: int = 0
    data_mb: int = 0
    file_mb: int = 64
    processes: int = 64
    files: int = 256
    tmp_mb: int = 64


@dataclass(frozen=True)
class Sandbox:
    """One sandbox. `uid` is the host account a root launcher drops to; an ordinary launcher keeps its own.

    `env` is the whole environment (but HOME, USER, PATH, LANG and TMPDIR, which have values here). `home` is where
    HOME is: a private, empty, writable folder, unless a bind is put there. With `network` the child shares the
    host's network, all of it.
    """

    binds: tuple[Bind, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    uid: int = 1_900_000_000
    home: str = "/home/learner"
    cwd: str = ""
    network: bool = False
    die_with_parent: bool = True

    def argv(self, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` inside; refuses (`SandboxUnavailable`) where no tier works."""
        from labkit.sandbox import bubblewrap

        bubblewrap.probe()
        return bubblewrap.argv(self, command)
