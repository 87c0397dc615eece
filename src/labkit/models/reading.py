"""Reads the text in images: Debian's Tesseract, on one thread, in quarantine (image.py, quarantine.py).

Printed text on a plain page is what it is good at; handwriting, and words across a photograph, are not.
"""

from __future__ import annotations

import functools
import math
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import ModelUnavailable, RequestRefused
from labkit.models import image
from labkit.models.folder import digest
from labkit.models.wheel import NotInstalled

LANGUAGES = ("eng", "fil")
_PROGRAM_PATH = "/usr/bin:/usr/local/bin"
_MOST_LANGUAGES = 3
_COLUMNS, _WORD_LEVEL = 12, "5"
_NOT_READ = ModelUnavailable("The image was not read.", instead="Try again; nothing was charged.")


@dataclass(frozen=True)
class Word:
    """`left`, `top`, `width` and `height` in pixels of the upright image, from its upper left corner; `confidence` from
    0 to 1, as Tesseract sees itself."""

    text: str
    left: int
    top: int
    width: int
    height: int
    confidence: float


@dataclass(frozen=True)
class Page:
    """`text` has a line for each line of the image and an empty one between paragraphs. Sizes in pixels."""

    text: str
    words: list[Word]
    width: int
    height: int


@dataclass(frozen=True)
class _Tesseract:
    program: str
    version: str
    folder: Path
    languages: tuple[str, ...]


class Reader:
    """One call at a time. Raises NotInstalled where Tesseract or a language of LANGUAGES is missing."""

    def __init__(self, path: str = _PROGRAM_PATH) -> None:
        self._path = path
        self._lock = threading.Lock()

    def about(self) -> dict[str, Any]:
        found = _find(self._path)
        files = {f"{name}.traineddata": _digest(found.folder / f"{name}.traineddata") for name in found.languages}
        build = {"tesseract": found.version}
        return {"model": "tesseract", "licence": "Apache-2.0", "files": files, "build": build}

    def pixels(self, data: bytes) -> int:
        """How many pixels an image has, by its header; refuses what is none, or too large."""
        _find(self._path)
        return math.prod(_size(image.measure(data).told))

    def read(self, data: bytes, languages: str = "eng+fil") -> Page:
        """The text of one image. `languages` are Tesseract's names, joined by +; the first weighs most.

        Raises RequestRefused for what cannot be read and for a language that is not there.
        """
        found = _find(self._path)
        names = languages.split("+")
        if not set(names) <= set(found.languages) or len(names) > _MOST_LANGUAGES:
            known = ", ".join(found.languages)
            raise RequestRefused(
                f"languages is {languages[:40]!r}.",
                instead=f"Name up to {_MOST_LANGUAGES} of these, joined by +: {known}.",
            )
        with self._lock:
            opened = image.read(data, found.program, languages)
        return _page(opened.told, opened.content)


@functools.cache
def _find(path: str) -> _Tesseract:
    program = shutil.which("tesseract", path=path)
    missing = "Tesseract"
    if program is not None:
        # Asked before anybody's bytes are near.
        version = re.match(r"tesseract v?(\S+)", _said(program, "--version"))
        told = re.match(r'List of available languages in "(.+)" \(\d+\):\n(.*)', _said(program, "--list-langs"), re.S)
        if version and told:
            languages = tuple(sorted(set(told[2].split()) - {"osd"}))
            if set(LANGUAGES) <= set(languages):
                return _Tesseract(program, version[1], Path(told[1]), languages)
            missing = "a language of Tesseract's"
    raise NotInstalled(
        f"Text in images cannot be read on this machine ({missing} is missing).",
        instead="Whoever runs the platform can add it: apt-get install tesseract-ocr tesseract-ocr-eng "
        "tesseract-ocr-fil, which make up does.",
    )


def _said(program: str, word: str) -> str:
    try:
        done = subprocess.run([program, word], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout or done.stderr


_digest = functools.cache(digest)


def _size(told: Any) -> tuple[int, int]:
    """Width and height; raises ModelUnavailable for what no image that was let in can have."""
    try:
        width, height = int(told["width"]), int(told["height"])
        if not (width > 0 and height > 0 and width * height <= image.MOST_PIXELS):
            raise ValueError("not a size")
    except (ValueError, KeyError, TypeError) as error:
        raise _NOT_READ from error
    return width, height


def _page(told: Any, content: bytes) -> Page:
    """Refuses an answer that is not what Tesseract writes: the process it comes from had untrusted bytes in it."""
    try:
        width, height = _size(told)
        rows = [line.split("\t") for line in content.decode("utf-8").splitlines()[1:]]
        if any(len(row) != _COLUMNS for row in rows):
            raise ValueError("not a page")
        found = [(row[1:5], _word(row)) for row in rows if row[0] == _WORD_LEVEL and row[11].strip()]
    except (ValueError, KeyError, TypeError) as error:
        raise _NOT_READ from error
    lines: dict[tuple[str, ...], list[str]] = {}
    for (page, block, paragraph, line), word in found:
        lines.setdefault((page, block, paragraph, line), []).append(word.text)
    return Page(_text(lines), [word for _, word in found], width, height)


def _word(row: list[str]) -> Word:
    left, top, width, height = map(int, row[6:10])
    confidence = float(row[10]) / 100
    if not 0 <= confidence <= 1:
        raise ValueError("not a confidence")
    return Word(row[11], left, top, width, height, confidence)


def _text(lines: dict[tuple[str, ...], list[str]]) -> str:
    text, before = "", None
    for place, words in lines.items():
        paragraph = place[:3]
        gap = "" if before is None else "\n" if before == paragraph else "\n\n"
        text, before = text + gap + " ".join(words), paragraph
    return text
