"""Everything outside the database that keeps something of a person, wired for export and erasure.

Whoever lets the platform keep more of a person elsewhere writes a Holding beside it, adds it here, and names it in the
registry (`labkit.programme.privacy.registry`); a test compares the two.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import httpx
from sqlalchemy import Engine

from autograder.holding import GradebookHolding
from hub_config.backup import walk
from hub_config.settings import Settings
from hub_config.state import State
from labkit.courses import Lab, load_course
from labkit.errors import OperatorError, PlatformFault
from labkit.programme.privacy.holding import Holding
from labkit.submissions.blobs import Blobs
from labkit.submissions.coarse import is_coarse
from labkit.submissions.holding import SubmissionsHolding
from labkit.submissions.receipt import Signer
from labkit.submissions.store import Store
from labkit.training.holding import TrainingHolding
from labkit.training.places import Places

_MOST_HOME_MB = 2048


def holdings(settings: Settings, engine: Engine) -> tuple[Holding, ...]:
    """In the order they are cleared: first what could still write."""
    state = State(settings.home)
    blobs = Blobs(state.folder("blobs", mode=0o700))
    store = Store(engine, blobs, Signer(state.home / "secrets" / "receipts.pem"))
    labs = {(lab.course, lab.id): lab for name in settings.taught for lab in load_course(settings.courses, name).labs}

    def lab(course: str, name: str) -> Lab | None:
        return labs.get((course, name))

    def coarse(username: str, course: str, name: str) -> bool:
        known = lab(course, name)
        return known is None or is_coarse(known, store.of_person(username, course, name), learner=True)

    return (
        HubHolding(state),
        HomeHolding(state.home, most_mb=_MOST_HOME_MB),
        SubmissionsHolding(engine, store, blobs, lab),
        TrainingHolding(engine, Places(state.folder("training", mode=0o700))),
        GradebookHolding(state.folder("nbgrader"), coarse),
    )


class HubHolding:
    """JupyterHub's account: its API says what it has, stops her server, and deletes her."""

    name = "hub"

    def __init__(self, state: State) -> None:
        self._state = state

    def export(self, username: str) -> Iterator[tuple[str, bytes | IO[bytes]]]:
        try:
            answer = self._ask("GET", username)
        except PlatformFault as fault:
            yield "hub/LEFT_OUT.txt", f"{fault}\n".encode()
            return
        if answer.status_code == 200:
            shown = {key: answer.json().get(key) for key in ("name", "created", "last_activity", "groups")}
            yield "hub/user.json", (json.dumps(shown, indent=1, sort_keys=True) + "\n").encode()

    def erase(self, username: str, pseudonym: str) -> None:
        answer = self._ask("DELETE", username)
        if answer.status_code not in (204, 404):
            raise PlatformFault(f"The hub answered {answer.status_code}.", instead="It is tried again.")

    def _ask(self, method: str, username: str) -> httpx.Response:
        try:
            url = f"http://127.0.0.1:{self._state.ports()['hub']}/hub/api/users/{quote(username, safe='')}"
            headers = {"Authorization": f"token {self._state.secret('service-labkit')}"}
            return httpx.request(method, url, headers=headers, timeout=60)
        except (httpx.HTTPError, OSError, KeyError) as error:
            raise PlatformFault(
                "JupyterHub does not answer.", instead="What it keeps follows when the platform runs."
            ) from error


# Keys and tokens of her servers: nothing she wrote, and a zip travels.
_RUNTIME = (".local/share/jupyter/runtime/", ".jupyter/migrated")


class HomeHolding:
    """Her home folder and the log of her server. No link in it is followed; a home is exported up to `most_mb`."""

    name = "home"

    def __init__(self, home: Path, most_mb: int) -> None:
        self._home, self._most = home, most_mb * 2**20

    def export(self, username: str) -> Iterator[tuple[str, bytes | IO[bytes]]]:
        _plain(username)
        room, left_out, begins = self._most, list[str](), f"homes/{username}/"
        for entry, content in walk(self._home, f"homes/{username}"):
            name = entry.path.removeprefix(begins)
            if name.startswith(_RUNTIME):
                continue
            if content is None:
                if entry.kind == "link":
                    left_out.append(f"{name} (a link)")
            elif entry.size > room:
                left_out.append(f"{name} ({entry.size} bytes)")
            else:
                room -= entry.size
                yield f"home/{name}", _Bounded(content, entry.size)  # type: ignore[misc]
        if left_out:
            said = f"Left out: links, and what does not fit into {self._most // 2**20} MB. Copy those from JupyterLab."
            listed = "\n".join([said, "", *sorted(left_out)]).encode("utf-8", "surrogateescape")
            yield "home/LEFT_OUT.txt", listed + b"\n"

    def erase(self, username: str, pseudonym: str) -> None:
        _plain(username)
        homes = self._home / "homes"
        doomed = homes / f".{pseudonym}"
        _delete(doomed)  # what an earlier try has left
        # Out of her server's reach first: nobody finds it under her name while it is being deleted.
        with contextlib.suppress(FileNotFoundError):
            (homes / username).rename(doomed)
        _delete(doomed)
        for log in (self._home / "log").glob(f"server-{glob.escape(username)}.log*"):
            log.unlink(missing_ok=True)
        # Why her last server was ended.
        (self._home / "run" / "servers" / f"{username}.ended").unlink(missing_ok=True)


class _Bounded:
    """Of a file that grows while it is read, what was there at first."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece


def _plain(username: str) -> None:
    """Names from the roster are plain; one that leads elsewhere would delete what is there."""
    if not username or username.startswith(".") or Path(username).name != username or "\0" in username:
        raise OperatorError(f"{username!r} is no username.", instead="Use one of the roster.")


def _delete(folder: Path) -> None:
    """With all that is in it; a link is deleted, never what it leads to."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder, onerror=_opens)


def _opens(function: Any, path: str, error: Any) -> None:
    """A folder its owner closed to herself is opened and tried once more; what is still not gone is told."""
    if isinstance(error[1], FileNotFoundError):
        return
    parent = Path(path).parent
    for folder in (parent, Path(path)):
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(stat.S_IRWXU)
    if function in (os.open, os.scandir, os.lstat, os.rmdir) and Path(path).is_dir():
        shutil.rmtree(path)
    else:
        function(path)
