"""An instructor's workspace: a git checkout of her course's text in her own home. Runs in her notebook server.

Which version she began with is a ref of its own (`_BASE`), so that what she commits herself confuses nobody.
Not covered: what she does to the checkout with git; where it cannot be read any more, a fresh one is made beside it.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from labkit.errors import OperatorError, PlatformFault
from labkit.workshop import files
from labkit.workshop.repository import Repository

_BASE = "refs/labkit/base"
_SECONDS = 60


@dataclass(frozen=True)
class Changes:
    """Names of files that differ from the version she began with."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, bundle: bytes, commit: str) -> None:
        """Makes the checkout where there is none; brings one in which nothing was changed up to `commit`."""
        if not (self.folder / ".git").exists():
            self._make(bundle, commit)
        elif self.base() != commit and not self.changes():
            self._fetch(bundle, commit)
            self._git("reset", "--quiet", "--hard", commit)

    def renew(self, bundle: bytes, commit: str) -> Path | None:
        """Lays what is there aside and makes a fresh checkout; gives the new name of what was there."""
        aside = None
        if self.folder.exists():
            aside = self.folder.with_name(f"{self.folder.name}.before-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
            self.folder.rename(aside)
        self._make(bundle, commit)
        return aside

    def sent(self, bundle: bytes, commit: str) -> None:
        """What is in the folder is version `commit` now; no file is touched."""
        self._fetch(bundle, commit)
        self._git("reset", "--quiet", commit)

    def base(self) -> str:
        """The version she began with."""
        return self._git("rev-parse", "--verify", _BASE).decode().strip()

    def text(self) -> dict[str, bytes]:
        return files.read(self.folder)

    def changes(self) -> Changes:
        before, now = self._before(), self.text()
        return Changes(
            tuple(sorted(now.keys() - before.keys())),
            tuple(sorted(name for name in now.keys() & before.keys() if now[name] != before[name])),
            tuple(sorted(before.keys() - now.keys())),
        )

    def _before(self) -> Mapping[str, bytes]:
        return Repository(self.folder / ".git").files(self.base())

    def _make(self, bundle: bytes, commit: str) -> None:
        """Under another name first: a checkout that was cut short is not taken for one."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix=".") as fresh:
            made = Checkout(Path(fresh) / self.folder.name)
            made.folder.mkdir()
            made._git("init", "--quiet", "--initial-branch=main")
            made._fetch(bundle, commit)
            made._git("reset", "--quiet", "--hard", commit)
            made.folder.rename(self.folder)

    def _fetch(self, bundle: bytes, commit: str) -> None:
        with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
            file.write(bundle)
            file.flush()
            self._git("fetch", "--quiet", file.name, "main")
        self._git("update-ref", _BASE, commit)

    def _git(self, *words: str) -> bytes:
        # A course's bytes are kept: no line end is changed, on any machine.
        command = ["git", "-c", "core.autocrlf=false", "-c", "gc.auto=0", "-c", "core.quotePath=false", *words]
        try:
            return subprocess.run(command, cwd=self.folder, capture_output=True, timeout=_SECONDS, check=True).stdout
        except FileNotFoundError:
            raise OperatorError("git is not installed here.", instead="Ask whoever runs the platform.") from None
        except (subprocess.SubprocessError, OSError) as error:
            said = getattr(error, "stderr", b"") or str(error).encode()
            raise PlatformFault(
                f"Your workspace cannot be read as a git checkout: {said[-200:].decode('utf-8', 'replace').strip()}",
                instead="Fetch a fresh one: what you have is laid beside it.",
            ) from error
