"""Which files are the text of a course: plain names that the builder reads, bounded in number and size."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path

from labkit.courses.course import LANGUAGES
from labkit.courses.header import NAME
from labkit.errors import RequestRefused

MOST_FILES = 2_000
MOST_BYTES = 24 * 2**20
# No name begins with a dot, so none is git's, an editor's or a way upwards; nor is one `git~1`, which git takes for
# `.git` as Windows shortens it, and never gives out again.
_NAME = r"(?![Gg][Ii][Tt]~\d)[^\x00-\x1f\x7f\\/.\"][^\x00-\x1f\x7f\\/\"]{0,120}"
_TEXTS = "|".join(re.escape(name) for name in (*LANGUAGES.values(), "README.md", "calibration.json"))
_KNOWN = re.compile(
    rf"[A-Za-z0-9][\w-]*\.(?:toml|md)|{NAME.pattern}/(?:{_TEXTS}|submissions/[\w-]+\.py|(?:data|hidden)(?:/{_NAME}){{1,6}})"
)


def is_text(name: str) -> bool:
    """Whether a file of this relative name is part of a course's text."""
    return len(name) <= 300 and _KNOWN.fullmatch(name) is not None and _is_plain(name)


def read(folder: Path) -> dict[str, bytes]:
    """The course in `folder`. What nobody reads is left out, and so are links: a link could carry a file of the
    machine into every learner's home."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        linked = any(one.is_symlink() for one in (path, *path.parents) if one.is_relative_to(folder) and one != folder)
        if is_text(name) and not linked and path.is_file():
            found[name] = path.read_bytes()
    return found


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Puts the files below `folder`, which they make."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def encode(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


def decode(encoded: object) -> dict[str, bytes]:
    """`{name: base64}` as it came over the wire. Raises RequestRefused naming the file."""
    if not isinstance(encoded, Mapping) or "course.toml" not in encoded:
        raise RequestRefused("There is no course.toml among the files.", instead="Send the whole folder of the course.")
    if len(encoded) > MOST_FILES:
        raise RequestRefused(f"These are {len(encoded)} files.", instead=f"A course has {MOST_FILES} at most.")
    files: dict[str, bytes] = {}
    for name, text in encoded.items():
        if not isinstance(name, str) or not is_text(name):
            shown = ascii(name)[:80]
            raise RequestRefused(f"{shown} is no file of a course's text.", instead="docs/add-a-lab.md lists them.")
        try:
            files[name] = base64.b64decode(text, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise RequestRefused(f"The file {name!r} did not arrive whole.", instead="Send it again.") from None
    _refuse_doubled(files)
    if sum(map(len, files.values())) > MOST_BYTES:
        raise RequestRefused(
            f"The text is larger than {MOST_BYTES >> 20} MB.", instead="Keep data small; large files are not for labs."
        )
    return files


def _refuse_doubled(files: Mapping[str, bytes]) -> None:
    """A name that is a folder in another name can stand in no folder."""
    folders = {str(parent) for name in files for parent in Path(name).parents}
    if both := sorted(folders & files.keys()):
        raise RequestRefused(f"{both[0]!r} is a file and a folder.", instead="Give one of them another name.")


def _is_plain(name: str) -> bool:
    """What every file system and UTF-8 can hold."""
    try:
        return len(name.encode()) <= 300
    except UnicodeEncodeError:
        return False
