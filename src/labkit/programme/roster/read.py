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
from labkit.programme.roster.said import say

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
        mistakes.append(
            Mistake(file, 0, "", "", say("There is nobody in this file."), say("Add a line for each person."))
        )
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
            empty = Mistake(file, 0, "", "", say("The file has no lines."), say("Name its columns."))
            return mistakes[0] if mistakes else empty
        if len(lines[0].cells) > _MOST_COLUMNS:
            told = (
                say("The first line names the columns, and these are too many."),
                say("Delete the empty columns on the right."),
            )
            return Mistake(file, lines[0].number, "", f"{len(lines[0].cells)} columns", *told)
        if len(lines) > MOST_ROWS + 1:
            most = say("%(number)s are the most; split it.", number=MOST_ROWS)
            return Mistake(file, 0, "", "", say("Too many lines."), most)
        header = Line(lines[0].number, [name.casefold() for name in lines[0].cells])
        guess = say(
            "%(file)s does not say how its letters are kept; they were read as %(encoding)s. Look at names with ñ.",
            file=file,
            encoding=decoded.encoding,
        )
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
            open_one = say("A quotation mark opens a cell here and none closes it.")
            message = open_one if ended else say("A stray quotation mark.")
            found = text[number - 1 - skipped] if number - 1 - skipped < len(text) else ""
            mistakes.append(Mistake(file, number, "", found, message, say('Write "" for a mark inside a quoted cell.')))
            continue
        yield Line(number, [cell.strip() for cell in cells])


def _known(names: Sequence[str]) -> int:
    return sum(name.strip().strip('"').casefold() in columns.COLUMNS for name in names) * 100 + min(len(names), 99)


def _header(file: str, table: Table) -> Iterator[Mistake]:
    """What is wrong with the column names. A mistake with an empty column makes the lines below unreadable."""
    number, names = table.header.number, list(table.header.cells)
    if not set(names) & set(columns.COLUMNS):
        wanted = say("The first line names the columns: %(names)s.", names=",".join(columns.REQUIRED))
        yield Mistake(file, number, "", ",".join(names), say("No column of a roster is named here."), wanted)
        return
    for place, name in enumerate(names, 1):
        if not name:
            if any(len(line.cells) >= place and line.cells[place - 1] for line in table.lines):
                told = say("This column has no name."), say("Name it or delete it.")
                yield Mistake(file, number, f"column {place}", "", *told)
        elif name not in columns.COLUMNS:
            told = say("A roster has no such column."), columns.near(name, columns.COLUMNS)
            yield Mistake(file, number, name, name, *told)
        elif names.index(name) + 1 != place:
            told = say("Column %(number)s has the name of an earlier one.", number=place), say("Delete one.")
            yield Mistake(file, number, name, name, *told)
    for name in columns.REQUIRED:
        if name not in names:
            told = say("The column %(name)s is missing.", name=name), say("Add a column named %(name)s.", name=name)
            yield Mistake(file, number, name, "", *told)


def _row(file: str, header: Sequence[str], line: Line) -> tuple[Row | None, list[Mistake]]:
    cells = list(line.cells)
    while len(cells) > len(header) and not cells[-1]:  # a spreadsheet's empty cells beyond the table
        cells.pop()
    if len(cells) != len(header):
        return None, [Mistake(file, line.number, "", " | ".join(cells), *_uneven(len(cells), len(header)))]
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


def _uneven(cells: int, header: int) -> tuple[str, str]:
    message = say("%(cells)s cells where the header has %(header)s.", cells=cells, header=header)
    too_much = say("Delete what is too much; a cell with the delimiter in it stands in quotation marks.")
    return message, too_much if cells > header else say("Add what is missing.")


def _place(row: Row) -> Iterator[Mistake]:
    """Cohort and course belong together, and not to officers."""
    if row.role == "officer" and (row.cohort or row.course):
        column = "cohort" if row.cohort else "course"
        told = (
            say("An officer is of the whole programme."),
            say("Leave cohort and course empty; add a line if she also learns."),
        )
        yield Mistake(row.file, row.line, column, row.cohort or row.course, *told)
    elif row.cohort and not row.course:
        told = say("A cohort takes a course."), say("Name the course beside the cohort.")
        yield Mistake(row.file, row.line, "course", "", *told)
    elif row.course and not row.cohort:
        told = (
            say("A course is taken in a cohort."),
            say("Name the cohort, or leave both empty for an observer of everything."),
        )
        yield Mistake(row.file, row.line, "cohort", "", *told)
    elif not row.cohort and row.role not in ("officer", "observer"):
        told = say("This role belongs to a cohort: %(role)s.", role=row.role), say("Name cohort and course.")
        yield Mistake(row.file, row.line, "cohort", "", *told)
