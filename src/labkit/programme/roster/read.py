"""Reads a roster file into rows, and says every mistake of it, not just the first."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from labkit.programme.roster import columns
from labkit.programme.roster.decode import decode
from labkit.programme.roster.mistake import Mistake, Wrong

MOST_ROWS = 100_000
_MOST_COLUMNS = 100
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Row:
    """One line: one person in one cohort, or holding an office (`cohort` and `course` are empty then).

    `about` has the optional columns the file has: a column that is not there changes nothing, an empty cell does.
    """

    file: str
    line: int
    email: str
    given_name: str
    family_name: str
    role: str
    cohort: str
    course: str
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """`note` says what whoever gave the file should look at, such as a guessed encoding; empty where nothing is."""

    rows: tuple[Row, ...]
    mistakes: tuple[Mistake, ...]
    note: str = ""
    emptied: tuple[str, ...] = ()  # cohorts that are named and have nobody in them


@dataclass(frozen=True)
class Line:
    """One record of a CSV file as text."""

    number: int
    cells: Sequence[str]


def read(file: str, content: bytes) -> Contents:
    """The rows of a CSV file with a roster's columns."""
    table = Table.of(file, content)
    if isinstance(table, Mistake):
        return Contents((), (table,))
    mistakes = [*table.mistakes, *_header(file, table)]
    rows: list[Row] = []
    if not any(mistake.line == table.header.number and mistake.column == "" for mistake in mistakes):
        for line in table.lines:
            found = _row(file, table.header.cells, line)
            mistakes += found[1]
            rows += [found[0]] if found[0] else []
    if not table.lines and not mistakes:
        mistakes.append(Mistake(file, 0, "", "", "There is nobody in this file.", "Add a line for each person."))
    return Contents(tuple(rows), tuple(sorted(set(mistakes))), table.note)


@dataclass(frozen=True)
class Table:
    """A CSV file taken apart: the header's names in lower case, the lines that are not blank, what cannot be read."""

    header: Line
    lines: tuple[Line, ...]
    mistakes: tuple[Mistake, ...]
    note: str = ""

    @classmethod
    def of(cls, file: str, content: bytes) -> Table | Mistake:
        decoded = decode(file, content)
        if isinstance(decoded, Mistake):
            return decoded
        text = decoded.text.split("\n")
        skip = 0
        delimiter = ""
        if text[0].lower().startswith("sep=") and len(text[0]) == 5:  # Excel's own way to say it
            skip, delimiter = 1, text[0][4]
        delimiter = delimiter or max(_DELIMITERS, key=lambda mark: _known(text[skip].split(mark)))
        mistakes: list[Mistake] = []
        records = (line for line in _records(file, text[skip:], skip, delimiter, mistakes) if any(line.cells))
        lines = list(islice(records, MOST_ROWS + 2))
        if not lines:
            return mistakes[0] if mistakes else Mistake(file, 0, "", "", "The file has no lines.", "Name its columns.")
        if len(lines[0].cells) > _MOST_COLUMNS:
            told = "The first line names the columns, and these are too many.", "Delete the empty columns on the right."
            return Mistake(file, lines[0].number, "", f"{len(lines[0].cells)} columns", *told)
        if len(lines) > MOST_ROWS + 1:
            return Mistake(file, 0, "", "", "Too many lines.", f"{MOST_ROWS} are the most; split it.")
        header = Line(lines[0].number, [name.casefold() for name in lines[0].cells])
        guess = f"{file}: read as {decoded.encoding}, which is a guess; look at names with ñ and accents."
        return cls(header, tuple(lines[1:]), tuple(mistakes), guess if decoded.guessed else "")


def _records(file: str, text: Sequence[str], skipped: int, delimiter: str, mistakes: list[Mistake]) -> Iterator[Line]:
    reader = csv.reader((line + "\n" for line in text), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            ended = "unexpected end" in str(error) or "field larger" in str(error)
            message = "A quotation mark opens a cell here and none closes it." if ended else "A stray quotation mark."
            found = text[number - 1 - skipped] if number - 1 - skipped < len(text) else ""
            mistakes.append(Mistake(file, number, "", found, message, 'Write "" for a mark inside a quoted cell.'))
            continue
        yield Line(number, [cell.strip() for cell in cells])


def _known(names: Sequence[str]) -> int:
    return sum(name.strip().strip('"').casefold() in columns.COLUMNS for name in names) * 100 + min(len(names), 99)


def _header(file: str, table: Table) -> Iterator[Mistake]:
    """What is wrong with the column names. A mistake with an empty column makes the lines below unreadable."""
    number, names = table.header.number, list(table.header.cells)
    if not set(names) & set(columns.COLUMNS):
        wanted = f"The first line names the columns: {','.join(columns.REQUIRED)}."
        yield Mistake(file, number, "", ",".join(names), "No column of a roster is named here.", wanted)
        return
    for place, name in enumerate(names, 1):
        if not name:
            if any(len(line.cells) >= place and line.cells[place - 1] for line in table.lines):
                yield Mistake(file, number, f"column {place}", "", "This column has no name.", "Name it or delete it.")
        elif name not in columns.COLUMNS:
            yield Mistake(file, number, name, name, "A roster has no such column.", columns.near(name, columns.COLUMNS))
        elif names.index(name) + 1 != place:
            yield Mistake(file, number, name, name, f"Column {place} has the name of an earlier one.", "Delete one.")
    for name in columns.REQUIRED:
        if name not in names:
            yield Mistake(file, number, name, "", f"The column {name} is missing.", f"Add a column named {name}.")


def _row(file: str, header: Sequence[str], line: Line) -> tuple[Row | None, list[Mistake]]:
    cells = list(line.cells)
    while len(cells) > len(header) and not cells[-1]:  # a spreadsheet's empty cells beyond the table
        cells.pop()
    if len(cells) != len(header):
        found, wanted = ",".join(cells), f"{len(cells)} cells where the header has {len(header)}."
        instead = (
            "Delete what is too much; a cell with the delimiter in it stands in quotation marks."
            if len(cells) > len(header)
            else "Add what is missing."
        )
        return None, [Mistake(file, line.number, "", found, wanted, instead)]
    values: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for name, cell in zip(header, cells, strict=True):
        if name not in columns.READ or name in values:
            continue
        try:
            values[name] = columns.READ[name](cell)
        except Wrong as wrong:
            mistakes.append(Mistake(file, line.number, name, cell, wrong.message, wrong.instead))
    if mistakes or not set(columns.REQUIRED) <= values.keys():
        return None, mistakes
    about = {name: values.pop(name) for name in columns.OPTIONAL if name in values}
    row = Row(file, line.number, **values, about=about)
    wrong_place = list(_place(row))
    return (None, wrong_place) if wrong_place else (row, [])


def _place(row: Row) -> Iterator[Mistake]:
    """Cohort and course belong together, and not to officers."""
    if row.role == "officer" and (row.cohort or row.course):
        column = "cohort" if row.cohort else "course"
        told = "An officer is of the whole programme.", "Leave cohort and course empty; add a line if she also learns."
        yield Mistake(row.file, row.line, column, row.cohort or row.course, *told)
    elif row.cohort and not row.course:
        yield Mistake(
            row.file, row.line, "course", "", "A cohort takes a course.", "Name the course beside the cohort."
        )
    elif row.course and not row.cohort:
        told = "A course is taken in a cohort.", "Name the cohort, or leave both empty for an observer of everything."
        yield Mistake(row.file, row.line, "cohort", "", *told)
    elif not row.cohort and row.role not in ("officer", "observer"):
        told = f"A {row.role} belongs to a cohort.", "Name cohort and course."
        yield Mistake(row.file, row.line, "cohort", "", *told)
