"""Makes usernames: lower-case ASCII from an e-mail address, each used once for ever.

JupyterHub, nbgrader, host names and folders all carry it, so it is short, plain and never changed.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection

from sqlalchemy import Connection, select

from labkit.database.tables import erasures, people

LONGEST = 32
# Names that mean something to the hub, to the operating system or to a reader of a host name.
_RESERVED = frozenset(
    {"admin", "root", "hub", "api", "user", "users", "service", "services", "labkit", "www", "localhost", "erased"}
)


def taken(connection: Connection) -> set[str]:
    """Every name that cannot be given: somebody's, or one an erasure has still to clear things of."""
    names = set(connection.execute(select(people.c.username)).scalars())
    open_ones = connection.execute(select(erasures.c.pending).where(erasures.c.finished_at.is_(None))).scalars()
    return names | {str(one["username"]) for one in open_ones if one}


def new(email: str, taken: Collection[str], numbers: dict[str, int] | None = None) -> str:
    """A username for `email` that is not among `taken`: from what stands before the @, numbered where that is taken.

    `numbers` remembers from one call to the next how far each name's numbers went.
    """
    local = unicodedata.normalize("NFKD", email.partition("@")[0]).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "-", local).strip("-")[: LONGEST - 6].strip("-")
    if not plain or not plain[0].isalpha() or plain.startswith("erased"):
        plain = f"p-{plain}".strip("-") if plain else f"p-{hashlib.sha256(email.encode()).hexdigest()[:6]}"
    if plain not in taken and plain not in _RESERVED:
        return plain
    numbers = numbers if numbers is not None else {}
    number = numbers.get(plain, 2)
    while f"{plain}-{number}" in taken:
        number += 1
    numbers[plain] = number + 1
    return f"{plain}-{number}"
