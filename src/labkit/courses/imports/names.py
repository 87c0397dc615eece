"""Names that labkit can hold, made of names somebody chose: still recognised, never twice."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 63


def slug(text: str, default: str) -> str:
    """Lower case, a-z, 0-9 and single hyphens; `default` where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].rstrip("-") or default


class Taken:
    """Names that are given already, of a course's labs or a lab's cells."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._last: dict[str, int] = {}  # the number given last, by the name it was given to

    def new(self, text: str, default: str, *, ending: str = "") -> str:
        """The slug of `text`, with `ending`, and with a number where that name is taken."""
        base = slug(text, default)
        first = name = f"{base[: _LONGEST - len(ending)].rstrip('-')}{ending}"
        number = self._last.get(first, 1)
        while name in self._names:
            number += 1
            more = f"{ending}-{number}"
            name = f"{base[: _LONGEST - len(more)].rstrip('-')}{more}"
        self._names.add(name)
        self._last[first] = number
        return name
