"""The platform's own small model, prepared once for every benchmark of training."""

from __future__ import annotations

import sys
from pathlib import Path

from labkit.models import prepare, prepared

_FOLDER = Path(__file__).resolve().parents[1] / ".benchmarks" / "models"


def make_ready() -> None:
    """Downloads and builds it where it is not there, which no measurement is charged with."""
    prepare(_FOLDER, lambda line: print(line, file=sys.stderr))


def weights() -> Path:
    """The folder with its safetensors and tokenizer."""
    return prepared(_FOLDER).safetensors


def gguf() -> Path:
    return prepared(_FOLDER).gguf
