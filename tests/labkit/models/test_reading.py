"""The text in images, read by the real Tesseract, and what is handed to it for an image."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.errors import ModelUnavailable, RequestRefused
from labkit.models import image, reading
from labkit.models.reading import Reader
from labkit.models.wheel import NotInstalled

pytestmark = pytest.mark.model

ENGLISH = "The library opens at nine in the morning."
FILIPINO = "Magandang umaga po sa inyong lahat, mga kaibigan."


def test_english_and_filipino_are_read_to_the_letter(reader: Reader, drawn: Callable[..., bytes]) -> None:
    page = reader.read(drawn(ENGLISH, FILIPINO))
    assert page.text.split("\n\n") == [ENGLISH, FILIPINO]
    assert [word.text for word in page.words] == [*ENGLISH.split(), *FILIPINO.split()]
    assert (page.width, page.height) == (1400, 240)
    assert reader.pixels(drawn(ENGLISH, FILIPINO)) == 1400 * 240


def test_words_have_boxes_where_they_stand_and_a_confidence(reader: Reader, drawn: Callable[..., bytes]) -> None:
    first, *_, last = reader.read(drawn(ENGLISH)).words
    assert 25 <= first.left <= 40 and 35 <= first.top <= 60 and 20 <= first.height <= 50
    assert last.left > first.left + first.width and last.left + last.width < 1400
    assert 0.5 < first.confidence <= 1


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("WEBP", "RGB", {}),
        ("TIFF", "1", {"compression": "group4"}),
        ("PNG", "RGBA", {}),
        ("PNG", "I;16", {}),
    ],
)
def test_every_format_and_depth_is_read(
    kind: str, mode: str, options: dict[str, object], reader: Reader, drawn: Callable[..., bytes]
) -> None:
    data = drawn(ENGLISH, kind=kind, mode="L" if mode == "I;16" else mode, **options)
    if mode == "I;16":
        data = sixteen_bits(data)
    assert reader.read(data, "eng").text == ENGLISH


def sixteen_bits(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as given:
        wide = b"".join(bytes((0, value)) for value in given.tobytes())
        out = io.BytesIO()
        Image.frombytes("I;16", given.size, wide).save(out, "PNG")
    return out.getvalue()


def test_a_picture_that_was_taken_sideways_is_turned(reader: Reader, drawn: Callable[..., bytes]) -> None:
    from PIL import Image

    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # to be turned right by a quarter
    with Image.open(io.BytesIO(drawn(ENGLISH))) as given:
        given.rotate(90, expand=True).save(out, "JPEG", exif=exif)
    page = reader.read(out.getvalue(), "eng")
    assert page.text == ENGLISH and page.width == 1400


def test_an_empty_page_has_no_words(reader: Reader, drawn: Callable[..., bytes]) -> None:
    page = reader.read(drawn(""))
    assert page.text == "" and page.words == []


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes) -> bytes:
    """White, of one row of pixels more than a megabyte holds; what else it says of itself is `more`."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = zlib.compress(b"\0" + b"\xff" * min(width, 1 << 20))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def pages(number: int, kind: str) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    first, *others = [Image.new("L", (40, 40), place * 60 % 256) for place in range(number)]
    first.save(out, kind, save_all=True, append_images=others)
    return out.getvalue()


NOISE = bytes((7 * place * place + place // 3) % 251 for place in range(20_000))
SVG = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg><text>&x;</text></svg>'


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: b"", "not an image"),
        (lambda: b"A text, named answer.png.", "not an image"),
        (lambda: SVG, "not an image"),
        (lambda: NOISE, "not an image"),
        (lambda: b"GIF89a" + NOISE, "not an image"),
        (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image"),
        *((lambda start=start: start + NOISE, "not an image") for start in (b"\xff\xd8\xff", b"II*\0")),
        (lambda: b"RIFF\0\0\0\0WEBP" + NOISE, "not an image"),
        (lambda: b"\x89PNG\r\n\x1a\n" + NOISE, "not an image"),
        (lambda: pages(1, "PNG")[:-20], "not an image"),
        (lambda: png(50_000, 50_000), "more than 20 megapixels"),
        (lambda: png(5_000, 4_001), "more than 20 megapixels"),
        (lambda: png(1 << 20, 1), "more than 20 megapixels, or a side"),
        (lambda: png(9, 1, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000)))), "not an image"),
        (lambda: pages(100, "TIFF"), "more than one image"),
        (lambda: pages(3, "WEBP"), "more than one image"),
        (lambda: b"\xff\xd8\xff" + bytes(image.MOST_BYTES), "at most 10 MB"),
    ],
)
def test_what_is_no_single_image_of_bounded_size_is_refused(
    make: Callable[[], bytes], complaint: str, reader: Reader
) -> None:
    with pytest.raises(RequestRefused, match=complaint):
        reader.read(make())


@pytest.mark.parametrize("make", [lambda: NOISE, lambda: png(5_000, 4_001), lambda: pages(3, "WEBP")])
def test_what_is_not_read_is_not_measured_either(make: Callable[[], bytes], reader: Reader) -> None:
    with pytest.raises(RequestRefused):
        reader.pixels(make())


def test_a_tiff_that_follows_itself_ends(reader: Reader) -> None:
    data = bytearray(pages(1, "TIFF"))
    first = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * entries, first)
    assert reader.read(bytes(data)).text == ""


@pytest.mark.parametrize(
    "languages", ["", "tgl", "eng+", "eng+osd", "eng -c x=y", "../eng", "eng\0", "+".join(["eng"] * 9)]
)
def test_a_language_that_is_not_there_is_refused_with_those_that_are(languages: str, reader: Reader) -> None:
    with pytest.raises(RequestRefused, match=r"joined by \+: eng, fil"):
        reader.read(b"", languages)


def test_it_says_which_tesseract_and_which_languages_read(reader: Reader) -> None:
    told = reader.about()
    assert told["files"].keys() >= {"eng.traineddata", "fil.traineddata"}
    assert told["build"]["tesseract"][0].isdigit()


def test_a_machine_without_tesseract_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match=r"Tesseract is missing.*apt-get install tesseract-ocr.*tesseract-ocr-fil"):
        Reader(str(tmp_path)).read(b"")


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        (
            '[ "$1" = --version ] && echo "tesseract 5.0" || '
            "printf 'List of available languages in \"/x/\" (1):\\neng\\n'",
            "a language of Tesseract's is missing",
        ),
        ("exit 127", "Tesseract is missing"),
        ("echo something else", "Tesseract is missing"),
    ],
)
def test_a_tesseract_that_cannot_read_filipino_or_at_all_is_missing(script: str, missing: str, tmp_path: Path) -> None:
    program = tmp_path / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(NotInstalled, match=missing):
        Reader(str(tmp_path)).about()


HEADER = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
WORD = "5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t90.5\tHello\n"


@pytest.mark.parametrize(
    ("told", "content"),
    [
        ({}, HEADER),
        ({"width": 5}, HEADER),
        ({"width": "x", "height": 5}, HEADER),
        ({"width": -5, "height": 5}, HEADER),
        ({"width": 10**9, "height": 10**9}, HEADER),
        ({"width": 5, "height": []}, HEADER),
        ({"width": 5, "height": 5}, HEADER + "5\t1\n"),
        ({"width": 5, "height": 5}, HEADER + WORD.replace("90.5", "nan")),
        ({"width": 5, "height": 5}, HEADER + WORD.replace("90.5", "-1e9")),
        ({"width": 5, "height": 5}, HEADER + WORD.replace("\t30\t", "\tthirty\t")),
        ({"width": 5, "height": 5}, HEADER + WORD.replace("\t30\t", f"\t{'9' * 5000}\t")),
    ],
)
def test_an_answer_that_tesseract_would_not_give_is_not_believed(told: dict[str, object], content: str) -> None:
    with pytest.raises(ModelUnavailable, match="was not read"):
        reading._page(told, content.encode())


def test_lines_and_paragraphs_are_kept_apart() -> None:
    def word(text: str, paragraph: int, line: int) -> str:
        return f"5\t1\t1\t{paragraph}\t{line}\t1\t1\t1\t1\t1\t50\t{text}\n"

    content = (
        HEADER + word("One", 1, 1) + word("two", 1, 1) + word("three", 1, 2) + word(" ", 1, 2) + word("Four", 2, 1)
    )
    assert reading._page({"width": 5, "height": 5}, content.encode()).text == "One two\nthree\n\nFour"
