"""What is written down about each place that may hold something of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Table, false, func, or_, select

from labkit.database.tables import submissions
from labkit.programme.people import Person

# What erasure does to a row. `strip`: the row stays, what she wrote in it goes.
Erasure = Literal["delete", "rename", "strip"]
_SAID = {
    "delete": "deleted",
    "rename": "her name becomes a random pseudonym",
    "strip": "what she wrote is taken out, points stay",
}


@dataclass(frozen=True)
class Named:
    """A column that says whose a row is: by her `username`, her `email`, or a `submission` of hers."""

    column: str
    erasure: Erasure
    by: Literal["username", "email", "submission"] = "username"

    def matches(self, table: Table, whose: Person) -> ColumnElement[bool]:
        column = table.c[self.column]
        if self.by == "email":
            return func.lower(column) == whose.email.lower()
        if self.by == "submission":
            hers = select(submissions.c.id).where(submissions.c.username == whose.username)
            return column.in_(hers)
        return column == whose.username


@dataclass(frozen=True)
class Entry:
    """One table. `persons` is empty where no row is anybody's; `left_out` are columns an export does not show, each
    with the reason."""

    table: str
    holds: str
    why: str
    ground: str
    kept: str
    persons: tuple[Named, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def erasure(self) -> str:
        """In words."""
        if not self.persons:
            return "nothing: it names nobody"
        if len({named.erasure for named in self.persons}) == 1:
            return _SAID[self.persons[0].erasure]
        return "; ".join(f"`{named.column}`: {_SAID[named.erasure]}" for named in self.persons)


@dataclass(frozen=True)
class Place:
    """What is not a table of ours. `holding` names the part that exports and clears it; `folder` is in LABKIT_HOME."""

    name: str
    holds: str
    why: str
    ground: str
    kept: str
    erasure: str
    holding: str = ""
    folder: str = ""


def condition(table: Table, entry: Entry, whose: Person) -> ColumnElement[bool]:
    """Which rows of the table are hers or name her."""
    return or_(false(), *(named.matches(table, whose) for named in entry.persons))


def of(connection: Connection, table: Table, entry: Entry, whose: Person) -> list[dict[str, object]]:
    """The rows of a table that are hers or name her, in a fixed order."""
    query = select(table).where(condition(table, entry, whose)).order_by(*table.primary_key.columns)
    rows = connection.execute(query).mappings()
    return [{name: _shown(entry, name, value) for name, value in row.items()} for row in rows]


def _shown(entry: Entry, column: str, value: object) -> object:
    return f"(left out: {entry.left_out[column]})" if column in entry.left_out and value is not None else value
