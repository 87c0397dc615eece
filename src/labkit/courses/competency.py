"""A competency that a framework of somebody else's names, and the framework it is from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Framework:
    """`date` is when it was published, as its publisher says it; `url` is where it can be read."""

    key: str
    title: str
    publisher: str
    date: str
    url: str


@dataclass(frozen=True)
class Competency:
    """`text` is the framework's own name for it, in English; `key` is ours and no identifier of the framework."""

    key: str
    text: str
    framework: Framework
