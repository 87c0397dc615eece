"""What a model makes of a file: the words of a recording, the text in an image."""

from __future__ import annotations

import mimetypes
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from labkit.client.installed import transport
from labkit.client.last import Last, keep
from labkit.errors import RequestRefused

# As much as the gateway takes.
LARGEST_FILE = 25 * 2**20


def transcribe(path: str | Path, language: str | None = None, *, model: str | None = None) -> str:
    """The words of a recording (WAV, MP3, FLAC ..., at most 25 MB). `language` ("en") where it should not be guessed.

    Raises RequestRefused, with what to do, for a file that is not there, too large, empty or no recording.
    """
    file = _file(
        path, "labkit.transcribe", ("audio", "video"), "a recording", "Give it WAV, MP3, FLAC, Ogg, M4A or WebM."
    )
    return _text("/v1/audio/transcriptions", {"language": language, "model": model}, file)


def read(path: str | Path, languages: str = "eng+fil", *, model: str | None = None) -> str:
    """The text in an image (PNG, JPEG, WebP or TIFF, at most 25 MB). `languages` as Tesseract names them.

    Raises RequestRefused, with what to do, for a file that is not there, too large, empty or no image.
    """
    file = _file(
        path, "labkit.read", ("image",), "an image", "Give it PNG, JPEG, WebP or TIFF; of a PDF, a screenshot."
    )
    return _text("/v1/ocr", {"languages": languages, "model": model}, file)


def _text(path: str, fields: dict[str, Any], file: Path) -> str:
    given = {name: str(value) for name, value in fields.items() if value is not None}
    answer = transport().upload(path, given, file)
    text, call = str(answer["text"]), answer.get("labkit", {}).get("call", "")
    keep(Last(f"[file {file.name}]", text, answer.get("model", given.get("model", "")), call))
    return text


def _file(path: str | Path, call: str, kinds: tuple[str, ...], what: str, instead: str) -> Path:
    """The file, looked at before it is sent. What its name does not say is the gateway's to find out."""
    if not isinstance(path, str | Path):
        raise RequestRefused(f"{call} takes the name of a file.", instead=f'Write {call}("the-file").')
    file = Path(path)
    if not file.is_file():
        raise _missing(file)
    size = file.stat().st_size
    if size > LARGEST_FILE:
        most = f"{LARGEST_FILE // 2**20} MB"
        raise RequestRefused(f"{file.name} is larger than {most}.", instead="Cut it into pieces, or make it smaller.")
    if not size:
        raise RequestRefused(f"{file.name} is empty.", instead="Upload it again.")
    kind = (mimetypes.guess_type(file.name)[0] or "").partition("/")[0]
    if kind and kind not in kinds:
        raise RequestRefused(f"{file.name} is not {what}.", instead=instead)
    return file


def _missing(file: Path) -> RequestRefused:
    if file.is_dir():
        return RequestRefused(f"{file} is a folder.", instead="Name a file in it.")
    there = [one.name for one in file.parent.iterdir() if one.is_file()] if file.parent.is_dir() else []
    near = get_close_matches(file.name, there, 1)
    instead = f"Did you mean {near[0]}?" if near else "Look at its name in the file list on the left, or upload it."
    return RequestRefused(f"There is no file {str(file)[:200]!r} here.", instead=instead)
