"""The text of a CSV file as Excel, LibreOffice and other programs of any system write it.

UTF-8 with or without a mark, UTF-16 ("Unicode text"), Windows-1252 and Mac Roman ("CSV" of an older Excel). The last
two carry nothing that says which: the one in which more of the odd bytes are letters is taken, and the plan says so.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from labkit.programme.roster.mistake import Mistake
from labkit.programme.roster.said import say

MOST_BYTES = 16 * 2**20
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WORKBOOK, _OLD_WORKBOOK, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"
_SAVE_AS = say("In Excel choose File, Save As, “CSV UTF-8 (Comma delimited)”, and give that file.")


@dataclass(frozen=True)
class Decoded:
    """`guessed`: nothing in the file says its encoding, so names want a look."""

    text: str
    encoding: str
    guessed: bool = False


def decode(file: str, content: bytes) -> Decoded | Mistake:
    """The text with `\\n` at the end of its lines, or what stops us from reading it."""
    if problem := _objection(content):
        message, instead = problem
        return Mistake(file, 0, "", _beginning(content), message, instead)
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(file, content, encoding)
    if b"\0" in content[:4096]:
        # "Unicode text" whose mark was lost on the way: every other byte of plain letters is zero.
        return _decoded(file, content, "utf-16-le" if content[1:2] == b"\0" else "utf-16-be")
    try:
        return Decoded(_lines(content.decode("utf-8")), "utf-8")
    except UnicodeDecodeError:
        return _of_an_older_program(file, content)


def _objection(content: bytes) -> tuple[str, str] | None:
    if len(content) > MOST_BYTES:
        most = say("Split it: %(number)s MB is the most.", number=MOST_BYTES // 2**20)
        return say("The file has %(number)s MB.", number=len(content) // 2**20), most
    if not content.strip():
        return say("The file is empty."), say("Give a CSV file whose first line names its columns.")
    if content.startswith((_WORKBOOK, _OLD_WORKBOOK)):
        return say("This is a workbook, not a CSV file."), _SAVE_AS
    if content.startswith(_PDF):
        return say("This is a PDF, not a CSV file."), say("Give the table it was made from, saved as CSV.")
    return None


def _decoded(file: str, content: bytes, encoding: str) -> Decoded | Mistake:
    try:
        return Decoded(_lines(content.decode(encoding)), encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found = content[error.start : error.start + 4].hex(" ")
        return Mistake(file, line, "", found, say("These bytes are no %(encoding)s text.", encoding=encoding), _SAVE_AS)


def _of_an_older_program(file: str, content: bytes) -> Decoded | Mistake:
    readings = []
    for encoding in ("cp1252", "mac_roman"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        odd = [mark for mark in text if not mark.isascii()]
        readings.append((sum(mark.isalpha() for mark in odd) / len(odd), encoding == "cp1252", encoding, text))
    _, _, encoding, text = max(readings)  # Mac Roman has a letter or sign for every byte
    return Decoded(_lines(text), encoding, guessed=True)


def _lines(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _beginning(content: bytes) -> str:
    return content[:16].decode("latin-1")
