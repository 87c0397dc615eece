"""What a sandbox is: what its child may see, use and spend. A tier turns it into a command line (bubblewrap.py), or
enters it after a fork (forked.py)."""

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
    by `start` and `watch`, not by the tier. 0 means no limit. `nice` (0 to 19) and `yields_memory` say that others go
    first: for the processor, and when the machine itself runs out of memory."""

    seconds: float = 0
    memory_mb: int = 0
    cpu_seconds: int = 0
    data_mb: int = 0
    file_mb: int = 64
    processes: int = 64
    files: int = 256
    tmp_mb: int = 64
    nice: int = 0
    yields_memory: bool = False


@dataclass(frozen=True)
class Sandbox:
    """One sandbox. `uid` is the host account a root launcher drops to; an ordinary launcher keeps its own.

    `env` is the whole environment (but HOME, USER, PATH, LANG and TMPDIR, which have values here). `home` is where
    HOME is: a private, empty, writable folder, unless a bind is put there. With `network` the child shares the
    host's network, all of it. Without, it has a loopback of its own; `door` = (port, socket) joins one port of that
    loopback to a unix socket it sees, and nothing else leads out.
    """

    binds: tuple[Bind, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    uid: int = 1_900_000_000
    home: str = "/home/learner"
    cwd: str = ""
    network: bool = False
    door: tuple[int, str] | None = None
    die_with_parent: bool = True

    def argv(self, command: Sequence[str], *, info_fd: int | None = None) -> list[str]:
        """The command line that runs `command` inside; refuses (`SandboxUnavailable`) where no tier works.

        To `info_fd` goes a JSON object whose `child-pid` is the first process inside, as the host counts.
        """
        from labkit.sandbox import bubblewrap

        bubblewrap.probe()
        return bubblewrap.argv(self, command, info_fd=info_fd)

    def environment(self) -> dict[str, str]:
        """What that command line must be started with, and nothing else."""
        from labkit.sandbox import bubblewrap

        return bubblewrap.environment(self)
