"""Tables for spreadsheets, as CSV and XLSX, in which no cell is ever run as a formula.

Covers: Excel, LibreOffice and Google Sheets take a CSV cell that begins with one of a few marks for a formula; such a
cell gets an apostrophe before it (OWASP, "CSV Injection"), and a table's text in XLSX is written as text. Does not
cover: somebody who takes the apostrophe away again, and programs that split cells at other marks than commas.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import xlsxwriter

Cell = str | int | float | bool | datetime | None
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}")


@dataclass(frozen=True)
class Sheet:
    """`note` stands above the table in XLSX only: a CSV file has nothing but its table."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


def harmless(text: str) -> str:
    """`text` as a CSV cell that stays text."""
    return f"'{text}" if text.startswith(_STARTS) else text


def to_csv(sheet: Sheet) -> bytes:
    """UTF-8 with the mark without which Excel reads ñ as two letters."""
    return "".join(csv_lines(sheet.header, sheet.rows)).encode("utf-8-sig")


def csv_lines(header: Iterable[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The lines of such a file one by one, for a table that is too long to be held."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in chain([list(header)], ([_plain(cell) for cell in row] for row in rows)):
        writer.writerow(row)
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def to_xlsx(sheets: Iterable[Sheet]) -> bytes:
    """A workbook with a page for each sheet; a time loses its zone, as a spreadsheet knows none."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    with xlsxwriter.Workbook(content, options) as book:
        bold = book.add_format({"bold": True})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for number, sheet in enumerate(sheets, 1):
            page = book.add_worksheet(_title(sheet.name, number))
            top = 2 if sheet.note else 0
            if sheet.note:
                page.write_string(0, 0, sheet.note)
            for column, name in enumerate(sheet.header):
                page.write_string(top, column, name, bold)
                page.set_column(column, column, max(10, min(40, len(name) + 4)))
            page.freeze_panes(top + 1, 0)
            for place, row in enumerate(sheet.rows, top + 1):
                for column, cell in enumerate(row):
                    _write(page, place, column, cell, moment)
    return content.getvalue()


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="minutes")
    return harmless(cell) if isinstance(cell, str) else str(cell)


def _write(page: xlsxwriter.worksheet.Worksheet, row: int, column: int, cell: Cell, moment: object) -> None:
    if cell is None:
        return
    if isinstance(cell, datetime):
        page.write_datetime(row, column, cell, moment)
    elif isinstance(cell, bool):
        page.write_string(row, column, _plain(cell))
    elif isinstance(cell, str):
        page.write_string(row, column, cell)
    else:
        page.write_number(row, column, cell)


def _title(name: str, number: int) -> str:
    """A page's name as Excel allows it: 31 characters, none of seven marks; numbered, so that no two are the same."""
    plain = "".join(mark for mark in name if mark not in r"[]:*?/\'")[:27].strip()
    return f"{plain or 'Sheet'} {number}" if number > 1 else plain or "Sheet"
