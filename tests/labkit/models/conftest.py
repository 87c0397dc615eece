"""The aides, loaded once for the whole run, and what they are tried with."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.models.embeddings import Embedder
from labkit.models.reading import Reader
from labkit.models.speech import Transcriber


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture(scope="session")
def transcriber() -> Transcriber:
    return Transcriber()


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="session")
def speech() -> bytes:
    """test_speech.SPOKEN by espeak-ng (-v en-us -s 140), as Opus in Ogg, 4.8 seconds."""
    return (Path(__file__).parent / "data" / "speech.ogg").read_bytes()


@pytest.fixture(scope="session")
def wav() -> Callable[..., bytes]:
    """A WAV file of so many seconds of silence."""

    def make(seconds: float = 1.0, rate: int = 8000, channels: int = 1) -> bytes:
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(bytes(2 * channels * int(seconds * rate)))
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def drawn() -> Callable[..., bytes]:
    """An image with lines of text, black on white, as the bytes of a file."""
    from PIL import Image, ImageDraw, ImageFont

    def draw(*lines: str, kind: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
        image = Image.new("RGB", (1400, 80 + 80 * len(lines)), "white")
        pen, font = ImageDraw.Draw(image), ImageFont.load_default(44)
        for number, line in enumerate(lines):
            pen.text((30, 40 + 80 * number), line, font=font, fill="black")
        out = io.BytesIO()
        image.convert(mode).save(out, kind, **options)
        return out.getvalue()

    return draw
