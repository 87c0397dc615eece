"""What keeps something of a person outside the database. Each is implemented beside what it keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Protocol


class Holding(Protocol):
    """Asked by export and erasure; `name` is the one the registry's place gives."""

    @property
    def name(self) -> str: ...

    def export(self, username: str) -> Iterable[tuple[str, bytes | IO[bytes]]]:
        """Her files, each by its path in the export, in a fixed order. A file is read before the next is asked for."""

    def erase(self, username: str, pseudonym: str) -> None:
        """Clears what is hers; done again, it changes nothing. Raises PlatformFault where it cannot now."""
