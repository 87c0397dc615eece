"""`labkit courses import`: an nbgrader course becomes lab text that labkit can build and grade."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from autograder.express import inexpressible
from labkit.courses.imports.course import ImportedCourse, read_course
from labkit.courses.imports.history import table
from labkit.courses.imports.report import Notes, Report, counted
from labkit.courses.imports.write import write_course
from labkit.errors import AuthorError, OperatorError
from labkit.programme.roster.students import roster

_SHOWN = 40


def import_course(argv: list[str]) -> int:
    """Writes DIR/COURSE from what is at PATH and says what was changed or lost; 1 where nothing can be written, or a
    lab of it cannot be built yet."""
    parser = argparse.ArgumentParser(
        "labkit courses import",
        description="Makes lab text of an nbgrader course: its folder, its source folder, an assignment or a notebook.",
        allow_abbrev=False,
    )
    parser.add_argument("path", metavar="PATH", type=Path)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="the folder of courses")
    parser.add_argument("--name", default="", metavar="ID", help="default: the course's id in nbgrader")
    parser.add_argument("--no-gradebook", action="store_true", help="brings no people, due dates and scores")
    parser.add_argument("--dry-run", action="store_true", help="writes nothing")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    try:
        course = read_course(given.path, given.name, gradebook=not given.no_gradebook)
        people, notes = _people(course)
        report = write_course(course, None if given.dry_run else given.to, inexpressible, people, notes)
    except OSError as error:
        print(f"{error.filename or given.path} cannot be read or written: {error.strerror}.", file=sys.stderr)
        return 1
    except (AuthorError, OperatorError) as error:
        print(error, file=sys.stderr)
        return 1
    if given.json:
        print(json.dumps({**report.to_json(), "written": not given.dry_run}, ensure_ascii=False))
    else:
        _print(report, given.to, dry=given.dry_run)
    return 1 if any(lab.refused for lab in report.labs) else 0


def _people(course: ImportedCourse) -> tuple[dict[str, str], Notes]:
    """roster.csv and history.csv, where the gradebook knows anybody."""
    notes, files = Notes("gradebook.db"), dict[str, str]()
    students = [(one.id, one.given_name, one.family_name, one.email) for one in course.history.students]
    if students:
        files["roster.csv"], refused = roster(students, course.id)
        for name, why in refused:
            notes.lost(f"{name!r} is not in roster.csv: {why}")
    if course.history.scores:
        files["history.csv"] = table(course.history)
        if any(one.late_penalty for one in course.history.scores):
            notes.changed("penalties for being late are told in history.csv; labkit gives none")
    return files, notes


def _print(report: Report, to: Path, *, dry: bool) -> None:
    for lab in report.labs:
        print(f"{lab.id}: {lab.notebook}, {lab.automatic:g} automatic points, {lab.manual:g} by hand")
    for title, notes in (("Not carried over", report.lost), ("Changed", report.changed)):
        if notes:
            print(f"\n{title}:")
        for note in notes[:_SHOWN]:
            print(f"  {note}")
        if len(notes) > _SHOWN:
            print(f"  ... and {len(notes) - _SHOWN} more: IMPORT.md has them all.")
    if report.packages:
        print(f"\nIts labs import {', '.join(report.packages)}: install them for learners and the grader.")
    people = f"{report.people} people in roster.csv and {counted(report.scores, 'score')} in history.csv"
    told = f"\n{counted(len(report.labs), 'lab')}{f', {people},' if report.people or report.scores else ''}"
    place = to / report.course
    print(
        f"{told} would stand in {place}. Nothing was written."
        if dry
        else f"{told} written to {place}; IMPORT.md there says all of this."
    )
    if not dry:
        print(f"Now: labkit courses check {report.course} --courses {to}")
