"""What lies beside a notebook, and pictures inside it, become files of the lab's `data/`; what names them follows.

Only plain files are taken. A link could carry a file of the machine into every learner's home: links are told, not
followed. A name that only a program puts together (`f"{name}.csv"`) is not seen.
"""

from __future__ import annotations

import ast
import base64
import binascii
import io
import itertools
import os
import re
import tokenize
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import quote, unquote

from labkit.courses.imports.report import Notes

LARGEST = 100_000_000  # nbgrader's own limit for one file
MOST_FILES = 2_000
_IGNORED = (".*", "*.pyc", "__pycache__", "feedback", "*.db", "*.log")
_LINK = re.compile(r"(?P<before>\]\(<?|(?:src|href)=[\"'])(?P<to>[^)\s>\"']+)")
_STRING = re.compile(r"(?P<prefix>[rRuU]?)(?=['\"])")


def beside(folder: Path, notes: Notes, named: str | None = None) -> dict[str, Path]:
    """The files under `folder` by their path in it, notebooks apart. With `named`, a text, only those whose names, and
    the names of whose folders, stand in it: a notebook that lies about somewhere does not take all of that along."""
    found: dict[str, Path] = {}
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(name for name in folders if not _ignored(name, named))
        for name in [one for one in folders if (here / one).is_symlink()]:
            folders.remove(name)
            notes.lost(f"{(here / name).relative_to(folder)} is a link to a folder")
        for name in sorted(names):
            path = here / name
            relative = path.relative_to(folder).as_posix()
            if _ignored(name, named) or (name.endswith(".ipynb") and here == folder):
                continue
            if why := _refused(path, relative, len(found)):
                notes.lost(f"{relative!r} {why}")
            else:
                found[relative] = path
    return found


def _ignored(name: str, named: str | None) -> bool:
    return any(fnmatch(name, pattern) for pattern in _IGNORED) or (named is not None and name not in named)


def _refused(path: Path, relative: str, number: int) -> str:
    if path.is_symlink() or not path.is_file():
        return "is a link, or no plain file"
    if relative.endswith(".ipynb"):
        return "is a notebook in a folder below: nbgrader releases it as it is, labkit does not"
    if not relative.isprintable() or "\\" in relative:
        return "has a name that no text can hold"
    if path.stat().st_size > LARGEST:
        return f"has more than {LARGEST // 1_000_000} MB"
    return f"is one more than {MOST_FILES} files" if number >= MOST_FILES else ""


class Files:
    """The data of one lab. `taken` says what goes where: by path in the lab's folder, a file's path or its content."""

    def __init__(self, there: Mapping[str, Path]) -> None:
        self.taken: dict[str, Path | bytes] = {}
        self._moved: dict[str, str] = {}
        # What lies in a data/ already keeps its path.
        for relative in sorted(there, key=lambda one: not one.startswith("data/")):
            target = self._free(relative if relative.startswith("data/") else f"data/{relative}")
            self._moved[relative] = target
            self.taken[target] = there[relative]

    def in_markdown(
        self, source: str, attachments: Mapping[str, str], place: str, notes: Notes
    ) -> tuple[str, frozenset[str]]:
        """The text with its links mended, and the attachments it shows: those are kept as files."""
        shown = set[str]()

        def mended(match: re.Match[str]) -> str:
            to = match["to"]
            if to.startswith("attachment:"):
                name = unquote(to.removeprefix("attachment:"))
                shown.add(name)
                target = self._attached(name, attachments, place, notes)
            else:
                target = self._moved.get(unquote(to).removeprefix("./"), "")
            if not target or target == to:
                return match[0]
            notes.changed(f"`{to}` is {target} now", place)
            return f"{match['before']}{quote(target)}"

        return _LINK.sub(mended, source), frozenset(shown)

    def in_code(self, source: str, place: str, notes: Notes) -> str:
        """The cell with each plain string that is a file's path mended; untouched where it cannot be read."""
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
        except (tokenize.TokenError, SyntaxError, ValueError):
            return source
        lines = source.split("\n")
        for token in reversed(tokens):
            prefix = _STRING.match(token.string)
            if token.type != tokenize.STRING or prefix is None or token.start[0] != token.end[0]:
                continue
            try:
                path = str(ast.literal_eval(token.string)).removeprefix("./")
            except (SyntaxError, ValueError):  # a text with half an escape in it: none of ours to mend
                continue
            target = self._moved.get(path)
            if target is not None and target != path:
                row, start, end = token.start[0] - 1, token.start[1], token.end[1]
                lines[row] = f"{lines[row][:start]}{_quoted(target)}{lines[row][end:]}"
                notes.changed(f"`{path}` is {target} now", place)
        return "\n".join(lines)

    def _attached(self, name: str, attachments: Mapping[str, str], place: str, notes: Notes) -> str:
        try:
            content = base64.b64decode(attachments[name])
        except (KeyError, binascii.Error, ValueError):
            notes.lost(f"the picture {name!r} is not in the notebook", place)
            return ""
        # Whatever path its name tells of: only the last part counts.
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", re.split(r"[/\\]", name)[-1]).strip(".-")[-100:] or "picture"
        target = next(one for one in self._names(f"data/{plain}") if self.taken.get(one, content) == content)
        self.taken[target] = content
        return target

    def _free(self, target: str) -> str:
        return next(one for one in self._names(target) if one not in self.taken)

    @staticmethod
    def _names(target: str) -> Iterable[str]:
        yield target
        path = Path(target)
        for number in itertools.count(2):
            yield str(path.with_name(f"{path.stem}-{number}{path.suffix}"))


def _quoted(target: str) -> str:
    return f'"{target}"' if '"' not in target else repr(target)
