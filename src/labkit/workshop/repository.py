"""A course's versions in git: a bare repository only we write, one commit for each version.

What comes from outside is the content of files under names we know (`files`); no object, bundle or hook of anybody
else's is read. Commits name nobody: who sent a version is in the database, where she can be erased.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from labkit.errors import OperatorError, PlatformFault

_WHO = "labkit <workshop@labkit.invalid>"
_SETTINGS = ("-c", "gc.auto=0", "-c", "core.fsync=all", "-c", "core.hooksPath=/dev/null")
_SECONDS = 120
_PATH = "/usr/local/bin:/usr/bin:/bin"


class Repository:
    """The bare repository at `path`, made at first use. Raises OperatorError where there is no git."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def commit(self, files: Mapping[str, bytes], parent: str | None, message: str, at: datetime) -> str:
        """Writes a version and gives its id; nobody sees it until it is called the newest (`call_newest`)."""
        self._make()
        ref, when = f"refs/sent/{uuid.uuid4().hex}", f"{int(at.timestamp())} +0000"
        lines = [f"commit {ref}", f"author {_WHO} {when}", f"committer {_WHO} {when}", _data(message.encode())]
        stream = io.BytesIO()
        stream.write("\n".join(lines).encode() + b"\n")
        stream.write(f"from {parent}\n".encode() if parent else b"")
        stream.write(b"deleteall\n")
        for name, content in sorted(files.items()):
            stream.write(f"M 100644 inline {name}\n".encode() + f"data {len(content)}\n".encode() + content + b"\n")
        stream.write(b"done\n")
        self._git("fast-import", "--quiet", "--done", given=stream.getvalue())
        return self._git("rev-parse", "--verify", ref).decode().strip()

    def call_newest(self, commit: str) -> None:
        self._git("update-ref", "refs/heads/main", commit)

    def files(self, commit: str) -> dict[str, bytes]:
        """Every file of a version by its name."""
        packed = self._git("archive", "--format=tar", _known(commit))
        found = {}
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    found[member.name] = file.read()
        return found

    def bundle(self) -> bytes:
        """The newest version with all before it, as `git clone` takes it."""
        return self._git("bundle", "create", "--quiet", "-", "refs/heads/main")

    def _make(self) -> None:
        if not (self._path / "HEAD").is_file():
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self._path))

    def _git(self, *words: str, given: bytes = b"") -> bytes:
        environment = {"PATH": _PATH, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
        environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_DIR": str(self._path), "LC_ALL": "C.UTF-8"}
        try:
            done = subprocess.run(
                ["git", *_SETTINGS, *words],
                input=given, capture_output=True, env=environment, timeout=_SECONDS, check=True,
            )  # fmt: skip
        except FileNotFoundError:
            raise OperatorError("git is not installed.", instead="Install it: apt install git.") from None
        except (subprocess.SubprocessError, OSError) as error:
            said = getattr(error, "stderr", b"") or str(error).encode()
            raise PlatformFault(
                f"The workshop's repository failed: {said[-300:].decode('utf-8', 'replace').strip()}",
                instead="Try again; whoever runs the platform finds more in its log.",
            ) from error
        return done.stdout


def _data(content: bytes) -> str:
    return f"data {len(content)}\n{content.decode()}"


def _known(commit: str) -> str:
    """An id that is none is no word of ours for git."""
    if len(commit) != 40 or not set(commit) <= set("0123456789abcdef"):
        raise PlatformFault(f"{commit[:50]!r} is no version.")
    return commit
