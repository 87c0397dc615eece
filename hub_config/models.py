"""`labkit models ...` on the platform's own folder of models."""

from __future__ import annotations

from pathlib import Path

from hub_config.settings import read
from labkit.models import command


def list_models(argv: list[str]) -> int:
    return command.list_models(argv, _home)


def show(argv: list[str]) -> int:
    return command.show(argv, _home)


def fetch(argv: list[str]) -> int:
    return command.fetch(argv, _home)


def verify(argv: list[str]) -> int:
    return command.verify(argv, _home)


def _home() -> Path:
    return read().home
