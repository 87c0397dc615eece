"""The registry as a table in docs/privacy.md; `python -m labkit.programme.privacy.document PAGE` writes it."""

from __future__ import annotations

import sys
from pathlib import Path

from labkit.programme.privacy.registry import ENTRIES, PLACES

BEGIN, END = "<!-- from the registry -->\n", "<!-- end -->\n"


def markdown() -> str:
    """Every table, then every other place."""
    lines = ["| what | holds | why | ground | kept | erasure |", "|---|---|---|---|---|---|"]
    rows = [(f"`{one.table}`", one.holds, one.why, one.ground, one.kept, one.erasure) for one in ENTRIES]
    rows += [(one.name, one.holds, one.why, one.ground, one.kept, one.erasure) for one in PLACES]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def put(page: str) -> str:
    """The page with the table as the registry is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(put(path.read_text()))
