"""Which files may be in a submission: plain relative names, bounded in number and size."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from labkit.errors import SubmissionRefused

MOST_FILES = 100
MOST_BYTES = 10 * 2**20
_NAME = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|]{1,200}")


def decode(encoded: object) -> dict[str, bytes]:
    """`{name: base64}` as it came over the wire, to bytes. Raises SubmissionRefused naming the file."""
    if not isinstance(encoded, Mapping) or not encoded:
        raise SubmissionRefused("The submission holds no files.", instead="Save your notebook, then submit again.")
    if len(encoded) > MOST_FILES:
        raise SubmissionRefused(f"The submission holds {len(encoded)} files.", instead=f"Hand in at most {MOST_FILES}.")
    files: dict[str, bytes] = {}
    for name, text in encoded.items():
        _check_name(name)
        try:
            files[name] = base64.b64decode(text, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise SubmissionRefused(f"The file {name!r} did not arrive whole.", instead="Submit again.") from None
    if sum(map(len, files.values())) > MOST_BYTES:
        raise SubmissionRefused(
            "The submission is larger than 10 MB.",
            instead="Clear large outputs (Edit > Clear All Outputs), save, and submit again.",
        )
    return files


def digest(hashes: Mapping[str, str]) -> str:
    """One SHA-256 over every file's name and hash, whatever order they came in."""
    lines = (f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _check_name(name: object) -> None:
    path = PurePosixPath(name) if isinstance(name, str) else None
    plain = (
        path is not None
        and isinstance(name, str)
        and _NAME.fullmatch(name) is not None
        and not path.is_absolute()
        and ".." not in path.parts
        and str(path) == name
        and not any(0xD800 <= ord(letter) <= 0xDFFF for letter in name)
    )
    if not plain:
        raise SubmissionRefused(
            f"{str(name)[:80]!r} is no name for a file in a submission.",
            instead="Use a plain name inside the lab's folder.",
        )
