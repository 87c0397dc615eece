"""What a notebook lists, as a table: in words, and in HTML whose every text is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence

Cells = Sequence[str]


def in_words(heads: Cells, rows: Sequence[Cells]) -> str:
    """Columns as wide as their widest cell."""
    every = [heads, *rows]
    widths = [max(len(row[at]) for row in every) for at in range(len(heads))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in every)


def in_html(heads: Cells, rows: Sequence[Cells]) -> str:
    """The first cell of each row is its heading."""
    head = "".join(f'<th scope="col" style="{_LEFT}">{html.escape(one)}</th>' for one in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, rows))}</tbody></table>"


_LEFT = "text-align:left"


def _row(cells: Cells) -> str:
    name, *rest = (html.escape(cell) for cell in cells)
    told = "".join(f'<td style="{_LEFT};overflow-wrap:anywhere">{cell}</td>' for cell in rest)
    return f'<tr><th scope="row" style="{_LEFT}">{name}</th>{told}</tr>'
