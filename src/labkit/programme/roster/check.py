"""What no single line shows: lines that contradict each other, the courses, or who is there already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from labkit.programme.roster import columns
from labkit.programme.roster.mistake import Mistake
from labkit.programme.roster.read import Row
from labkit.programme.roster.said import say

# What a person has once, however many lines name her.
_HERS = ("given_name", "family_name", *columns.OPTIONAL)


def contradictions(
    rows: Sequence[Row], courses: Collection[str], cohorts: Mapping[str, str], *, may_name_officers: bool = True
) -> Iterator[Mistake]:
    """`courses` are those that are taught; `cohorts` says of each known one which course it takes."""
    yield from _courses(rows, courses, cohorts)
    yield from _people(rows)
    if not may_name_officers:
        for row in rows:
            if row.role == "officer" or (row.role == "observer" and not row.cohort):
                told = (
                    say("Offices are given by whoever runs the platform."),
                    say("Ask for `labkit roster apply` with this line."),
                )
                yield Mistake(row.file, row.line, "role", row.role, *told)


def against(
    rows: Sequence[Row],
    people: Mapping[str, Mapping[str, Any]],
    enrolments: Mapping[tuple[str, str], Mapping[str, Any]],
    cohorts: Mapping[str, str],
    *,
    may_name_officers: bool,
) -> Iterator[Mistake]:
    """What contradicts who somebody is already: in cohorts the file does not name, or by her office."""
    named = {row.cohort for row in rows}
    held: dict[tuple[str, str], tuple[str, str]] = {}
    for (username, cohort), place in enrolments.items():
        if place["suspended_at"] is None and cohort not in named:
            held[username, cohorts[cohort]] = (cohort, place["role"])
    for row in rows:
        person = people.get(row.email)
        if person is None:
            continue
        if not may_name_officers and (person["officer"] or person["observer"]):
            told = (
                say("She holds an office of the whole programme."),
                say("Ask for `labkit roster apply` with this line."),
            )
            yield Mistake(row.file, row.line, "email", row.email, *told)
        cohort, role = held.get((person["username"], row.course), ("", ""))
        if row.cohort and role and (role == "learner") != (row.role == "learner"):
            told = (
                say("She is %(role)s of %(course)s in %(cohort)s.", role=role, course=row.course, cohort=cohort),
                say("End that first: name %(cohort)s in the file too.", cohort=cohort),
            )
            yield Mistake(row.file, row.line, "role", row.role, *told)


def _courses(rows: Sequence[Row], courses: Collection[str], cohorts: Mapping[str, str]) -> Iterator[Mistake]:
    counted: dict[str, Counter[str]] = {}
    for row in rows:
        counted.setdefault(row.cohort, Counter())[row.course] += 1
    first = {cohort: courses.most_common(1)[0][0] for cohort, courses in counted.items()}  # a tie: the earlier
    spelled = {name.casefold(): name for name in cohorts}
    for row in (row for row in rows if row.cohort):
        if row.course not in courses:
            told = say("No such course is taught here."), columns.near(row.course, courses)
            yield Mistake(row.file, row.line, "course", row.course, *told)
            continue
        known = cohorts.get(row.cohort)
        if known is not None and known != row.course:
            message = say("The cohort %(cohort)s takes %(course)s.", cohort=row.cohort, course=known)
            told = message, say("Name another cohort, or that course.")
            yield Mistake(row.file, row.line, "course", row.course, *told)
        elif first[row.cohort] != row.course:
            message = say("In other lines this cohort takes %(course)s.", course=first[row.cohort])
            told = message, say("A cohort takes one course: name two.")
            yield Mistake(row.file, row.line, "course", row.course, *told)
        other = spelled.setdefault(row.cohort.casefold(), row.cohort)
        if other != row.cohort:
            told = (
                say("There is a cohort %(cohort)s, which differs in capitals only.", cohort=other),
                say("Write %(cohort)s, or another name.", cohort=other),
            )
            yield Mistake(row.file, row.line, "cohort", row.cohort, *told)


def _people(rows: Sequence[Row]) -> Iterator[Mistake]:
    people: dict[str, Row] = {}
    places: dict[tuple[str, str], Row] = {}
    in_course: dict[tuple[str, str], Row] = {}
    for row in rows:
        first = people.setdefault(row.email, row)
        yield from _differs(first, row)
        before = places.setdefault((row.email, row.cohort), row)
        if before is not row:
            message = say("She is in this cohort in line %(line)s already.", line=before.line)
            told = message, say("Delete one of the two lines.")
            yield Mistake(row.file, row.line, "email", row.email, *(told if row.cohort else _twice(before)))
            continue
        if not row.cohort:
            continue
        other = in_course.setdefault((row.email, row.course), row)
        if other is not row and "learner" in (other.role, row.role):
            told = (
                say(
                    "In line %(line)s she is %(role)s of %(course)s in %(cohort)s.",
                    line=other.line,
                    role=other.role,
                    course=row.course,
                    cohort=other.cohort,
                ),
                say("A learner takes a course in one cohort and has no other role in it: delete one of the two lines."),
            )
            yield Mistake(row.file, row.line, "cohort", row.cohort, *told)


def _twice(before: Row) -> tuple[str, str]:
    message = say("Line %(line)s gives her an office already.", line=before.line)
    return message, say("Delete one of the two lines.")


def _differs(first: Row, row: Row) -> Iterator[Mistake]:
    """One address is one person: everything that is hers is the same in each of her lines."""
    if first is row:
        return
    for name in _HERS:
        one, other = (_value(which, name) for which in (first, row))
        if one != other:
            told = say("Line %(line)s says %(value)s of the same e-mail address.", line=first.line, value=_shown(one))
            instead = say("Write the same in both, or give each person her own address.")
            yield Mistake(row.file, row.line, name, _shown(other), told, instead)
            return  # two people at one address differ in everything: one mistake


def _value(row: Row, name: str) -> object:
    return row.about.get(name) if name in columns.OPTIONAL else getattr(row, name)


def _shown(value: object) -> str:
    return {True: "yes", False: "no", None: "nothing"}.get(value, str(value)) if value != "" else "nothing"  # type: ignore[call-overload]
