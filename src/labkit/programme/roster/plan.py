"""What a roster would change, without changing it.

A file is the truth for the cohorts it names: whoever the roster put there and who is not in the file is suspended
(never deleted), a learner who was in another cohort of the course moves. Cohorts it does not name, offices, and people
who came by a group or an invitation stay as they are. People are told apart by e-mail address.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, select

from labkit.database import reading
from labkit.database.tables import cohorts, enrolments, erasures, people
from labkit.programme.address import fold
from labkit.programme.roster.check import against, contradictions
from labkit.programme.roster.mistake import Mistake
from labkit.programme.roster.read import Contents, Row

# Of a cohort of this size, a file that suspends more than half is more likely a part of the list than the list.
_LARGE, _MOST_SUSPENDED = 20, 0.5


@dataclass(frozen=True)
class Change:
    """One line's outcome, or one person's who is in no line. `before` is the cohort somebody moves from; `details`
    says what is kept of her now and would be overwritten."""

    kind: str  # added | moved | changed | returned | suspended | untouched
    email: str
    name: str
    cohort: str
    role: str
    before: str = ""
    details: str = ""


@dataclass(frozen=True)
class Plan:
    changes: tuple[Change, ...]
    mistakes: tuple[Mistake, ...]
    rows: tuple[Row, ...]
    new_people: int = 0
    new_cohorts: tuple[str, ...] = ()
    note: str = ""
    # Cohorts of which more than half would be suspended, with how many of how many.
    emptied: tuple[tuple[str, int, int], ...] = ()

    def of(self, kind: str) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind == kind)

    @property
    def changes_nothing(self) -> bool:
        return all(change.kind == "untouched" for change in self.changes) and not self.new_cohorts

    @property
    def fingerprint(self) -> str:
        """Two plans with the same one change the same."""
        said = [vars(one) for one in self.changes if one.kind != "untouched"]
        return hashlib.sha256(json.dumps([said, self.new_cohorts], sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        kinds = ("added", "moved", "changed", "returned", "suspended", "untouched")
        return {
            **{f"{kind}_count": len(self.of(kind)) for kind in kinds},
            "new_people_count": self.new_people,
            "new_cohorts": list(self.new_cohorts),
            "note": self.note,
            "errors": [mistake.to_json() for mistake in self.mistakes],
            **{kind: [vars(one) for one in self.of(kind)] for kind in kinds if kind != "untouched"},
        }


@dataclass(frozen=True)
class Known:
    """Who is there: people by e-mail address, the course of each cohort, enrolments by username and cohort."""

    people: Mapping[str, Mapping[str, Any]]
    cohorts: Mapping[str, str]
    enrolments: Mapping[tuple[str, str], Mapping[str, Any]]


def plan(engine: Engine, contents: Contents, courses: Collection[str], *, may_name_officers: bool = True) -> Plan:
    """`courses` are the ids of those that are taught."""
    with reading(engine) as connection:
        return compute(known(connection), contents, courses, may_name_officers=may_name_officers)


def known(connection: Connection) -> Known:
    # Whoever was erased is nobody a file could mean: her places stay for the figures.
    erased = set(connection.execute(select(erasures.c.pseudonym)).scalars())
    found = connection.execute(select(people)).mappings()
    emails = {fold(str(row["email"])): dict(row) for row in found if row["username"] not in erased}
    takes = {row.name: row.course for row in connection.execute(select(cohorts.c.name, cohorts.c.course))}
    rows = connection.execute(select(enrolments)).mappings()
    places = {(str(row["username"]), str(row["cohort"])): dict(row) for row in rows if row["username"] not in erased}
    return Known(emails, takes, places)


def compute(known: Known, contents: Contents, courses: Collection[str], *, may_name_officers: bool = True) -> Plan:
    rows = contents.rows
    found = contradictions(rows, courses, known.cohorts, may_name_officers=may_name_officers)
    stands = against(rows, known.people, known.enrolments, known.cohorts, may_name_officers=may_name_officers)
    mistakes = tuple(sorted({*contents.mistakes, *found, *stands}))
    course_of = {**{row.cohort: row.course for row in rows if row.cohort}, **known.cohorts}
    learns = _learns(known, course_of)
    named = {row.cohort for row in rows if row.cohort} | set(contents.emptied)
    changes = [_change(row, known, learns) for row in rows]
    emptied: tuple[tuple[str, int, int], ...] = ()
    if not mistakes:  # who is missing is not known while lines cannot be read
        missing = _missing(rows, named, known, {(one.email, one.before) for one in changes if one.kind == "moved"})
        changes += missing
        emptied = tuple(_emptied(missing, known))
    new = {row.email for row in rows} - known.people.keys()
    return Plan(
        tuple(changes),
        mistakes,
        tuple(rows),
        len(new),
        tuple(sorted({row.cohort for row in rows if row.cohort} - known.cohorts.keys())),
        contents.note,
        emptied,
    )


def differences(row: Row, person: Mapping[str, Any]) -> dict[str, Any]:
    """What the line says otherwise than is kept of her. An empty language changes nothing: she may have chosen one."""
    said = {"given_name": row.given_name, "family_name": row.family_name, **row.about}
    if not said.get("language"):
        said.pop("language", None)
    return {name: value for name, value in said.items() if person[name] != value}


def _learns(known: Known, course_of: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """In which cohort somebody learns a course now."""
    return {
        (name, course_of[cohort]): cohort
        for (name, cohort), place in known.enrolments.items()
        if place["suspended_at"] is None and place["role"] == "learner"
    }


def _change(row: Row, known: Known, learns: Mapping[tuple[str, str], str]) -> Change:
    def change(kind: str, before: str = "") -> Change:
        name = f"{row.given_name} {row.family_name}".strip()
        return Change(kind, row.email, name, row.cohort, row.role, before, told)

    person, told = known.people.get(row.email), ""
    if person is None:
        return change("added")
    other = differences(row, person)
    told = ", ".join(f"{name}: {_said(person[name])}" for name in other)
    if not row.cohort:
        if not person[row.role]:
            return change("added")
        return change("changed") if other else change("untouched")
    place = known.enrolments.get((person["username"], row.cohort))
    before = learns.get((person["username"], row.course))
    if row.role == "learner" and before not in (None, row.cohort):
        return change("moved", str(before))
    if place is None:
        return change("added")
    if place["suspended_at"] is not None:
        return change("returned")
    if place["role"] != row.role:
        other["role"], told = row.role, ", ".join(filter(None, (told, f"role: {place['role']}")))
    return change("changed") if other else change("untouched")


def _missing(
    rows: Iterable[Row], named: Collection[str], known: Known, moved: Collection[tuple[str, str]]
) -> list[Change]:
    there = {(row.email, row.cohort) for row in rows}
    emails = {person["username"]: email for email, person in known.people.items()}
    found = []
    for (username, cohort), place in sorted(known.enrolments.items()):
        if username not in emails:  # of two whose addresses differ in capitals only, which a file cannot name
            continue
        email = emails[username]
        here = cohort in named and place["suspended_at"] is None and place["source"] == "roster"
        if here and (email, cohort) not in there and (email, cohort) not in moved:
            person = known.people[email]
            name = f"{person['given_name']} {person['family_name']}".strip()
            found.append(Change("suspended", email, name, cohort, place["role"]))
    return found


def _emptied(missing: Sequence[Change], known: Known) -> Iterable[tuple[str, int, int]]:
    for cohort in sorted({one.cohort for one in missing}):
        gone = sum(one.cohort == cohort for one in missing)
        places = (place for (_, name), place in known.enrolments.items() if name == cohort)
        all_of_it = sum(place["suspended_at"] is None for place in places)
        if all_of_it >= _LARGE and gone > all_of_it * _MOST_SUSPENDED:
            yield cohort, gone, all_of_it


def _said(value: object) -> str:
    return "nothing" if value in (None, "") else {True: "yes", False: "no"}.get(value, str(value))  # type: ignore[call-overload]
