"""Reads the text of an image nobody trusts, in quarantine: Pillow opens it, Tesseract reads what Pillow made of it.

The format is chosen by the first bytes and Pillow is told so; size and pages are known from the header, before a pixel
is unpacked. Tesseract gets a plain grey bitmap of our own making, so none of its own image parsers sees the bytes.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from labkit.errors import RequestRefused
from labkit.models.quarantine import Bounds, Opened, Refused, answer, open_in_quarantine

MOST_PIXELS = 20_000_000
MOST_BYTES = 10_000_000
# Tesseract's own limit.
_LONGEST_SIDE = 32_767
# A page of words, each a line of some sixty bytes.
_LARGEST = 20_000_000
_NOT_AN_IMAGE = "The file is not an image that can be read. Send PNG, JPEG, WebP or TIFF, whole and not renamed."
_SENTENCES = {
    "not-an-image": _NOT_AN_IMAGE,
    "too-large": f"The image has more than {MOST_PIXELS // 1_000_000} megapixels, or a side of more than "
    f"{_LONGEST_SIDE} pixels. Make it smaller or cut it up.",
    "many": "The file holds more than one image. Send each page by itself.",
}


def read(data: bytes, program: str, languages: str) -> Opened:
    """`told` has "width" and "height", `content` is Tesseract's TSV. Neither is to be trusted.

    Raises RequestRefused for what is no image, too large, or of several pages; ModelUnavailable where none is opened.
    """
    return _opened(data, {"program": program, "languages": languages})


def measure(data: bytes) -> Opened:
    """`told` as `read` would have it, by the header alone; raises as `read` does."""
    return _opened(data, {})


def _opened(data: bytes, arguments: dict[str, Any]) -> Opened:
    if len(data) > MOST_BYTES:
        raise RequestRefused(
            f"The file has {len(data) / 1e6:.1f} MB.", instead=f"Send at most {MOST_BYTES // 1_000_000} MB."
        )
    kind = image_format(data)
    if kind is None:
        raise RequestRefused(_NOT_AN_IMAGE)
    return open_in_quarantine(__name__, data, {"kind": kind, **arguments}, _SENTENCES, Bounds(_LARGEST))


def image_format(data: bytes) -> str | None:
    """Pillow's name of the format, by its first bytes; None for what is not known."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    starts = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"II*\x00": "TIFF", b"MM\x00*": "TIFF"}
    return next((kind for start, kind in starts.items() if data.startswith(start)), None)


def warm() -> None:
    """Imports the formats' own modules, so that nothing needs to import them inside."""
    from PIL import Image, ImageOps, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401

    Image.preinit()


def open_untrusted(source: int, sink: int, arguments: dict[str, Any]) -> None:
    """In quarantine: writes the header, then becomes Tesseract, which writes the words; or refuses.

    Without a "program" in `arguments` the header is all.
    """
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with open(source, "rb") as file, Image.open(file, formats=[arguments["kind"]]) as image:
            _check(image, arguments["kind"])
            if "program" not in arguments:
                answer(sink, {"width": image.width, "height": image.height})
                return
            page = _grey(image)
    except Refused:
        raise
    except Image.DecompressionBombError as error:
        raise Refused("too-large") from error
    except Exception as error:  # Pillow raises whatever its parsers meet: OSError, SyntaxError, struct.error, ...
        raise Refused("not-an-image") from error
    place = os.path.join(tempfile.gettempdir(), "page.pgm")  # noqa: PTH118 - a plain name for another program
    page.save(place)
    answer(sink, {"width": page.width, "height": page.height})
    os.dup2(sink, 1)
    words = [place, "stdout", "-l", arguments["languages"], "-c", "tessedit_create_tsv=1"]
    os.execv(arguments["program"], [arguments["program"], *words])  # noqa: S606 - no shell is wanted


def _check(image: Any, kind: str) -> None:
    if image.width * image.height > MOST_PIXELS or max(image.size) > _LONGEST_SIDE:
        raise Refused("too-large")
    if kind == "JPEG":
        return  # a telephone's may carry a preview of itself
    try:
        image.seek(1)
    except EOFError:
        image.seek(0)
    else:
        raise Refused("many")


def _grey(image: Any) -> Any:
    """Upright, on white, 8 bits."""
    from PIL import Image, ImageOps

    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value / 256)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("L")
