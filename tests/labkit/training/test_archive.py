"""A zip file is made while it is read, from bytes and open files, and is the same each time."""

from __future__ import annotations

import io
import zipfile

from labkit.training.archive import PIECE, archive

LARGE = bytes(range(256)) * (3 * PIECE // 256) + b"end"


class Read(io.BytesIO):
    """A file that knows how far it was read."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 < size <= PIECE
        return super().read(size)


def test_every_file_is_in_it_whole_under_its_name():
    content = b"".join(archive({"a.md": b"# Hers", "large": Read(LARGE), "none": b""}))

    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        assert whole.testzip() is None
        assert {name: whole.read(name) for name in whole.namelist()} == {"a.md": b"# Hers", "large": LARGE, "none": b""}


def test_a_file_is_read_no_further_than_its_zip_is():
    source = Read(LARGE)
    pieces = archive({"large": source})
    for number in (1, 2, 3):
        assert len(next(pieces)) < PIECE + 1000
        assert source.tell() == number * PIECE
    pieces.close()  # type: ignore[attr-defined]  # it is a generator


def test_the_same_files_are_the_same_bytes_with_the_same_time_and_mode():
    first, again = (b"".join(archive({"a": b"1", "b": Read(LARGE)})) for _ in range(2))

    assert first == again
    with zipfile.ZipFile(io.BytesIO(first)) as whole:
        told = {(one.date_time, one.external_attr >> 16, one.compress_type) for one in whole.infolist()}
    assert told == {((2020, 1, 1, 0, 0, 0), 0o600, zipfile.ZIP_STORED)}
