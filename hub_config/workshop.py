"""`labkit courses versions`: which text learners have, and the operator's way into and out of the workshop."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.gradebook import CourseGradebook
from autograder.workshop import release
from hub_config.database import opened
from hub_config.settings import Settings, read
from hub_config.state import State
from labkit.courses import load_course
from labkit.errors import OperatorError
from labkit.workshop import Version, Workshop, files


def versions(argv: list[str]) -> int:
    """Lists a course's versions and says which one learners have; takes one out, or takes the folder of courses in."""
    parser = argparse.ArgumentParser("labkit courses versions", description=versions.__doc__, allow_abbrev=False)
    parser.add_argument("course", metavar="COURSE")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="writes the text learners have to FOLDER/COURSE")
    parser.add_argument("--number", type=int, metavar="N", help="with --to: that version instead")
    parser.add_argument("--adopt", action="store_true", help="releases what stands in LABKIT_COURSES/COURSE")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    if (given.adopt and (given.to or given.number)) or (given.number and not given.to):
        parser.error("--number goes with --to; --adopt goes alone")
    settings = read()
    state = State(settings.home)
    with opened(settings) as engine:
        workshop = Workshop(engine, state.workshop)
        if given.adopt:
            _adopt(workshop, settings, state, given.course)
        elif given.to:
            _write(workshop, given.course, given.number, given.to)
        else:
            _print(workshop, given.course, settings, as_json=given.json)
    return 0


def _adopt(workshop: Workshop, settings: Settings, state: State, name: str) -> None:
    """Whatever instructors sent stays as earlier versions; the next one begins with this."""
    course = load_course(settings.courses, name)
    release(course, state.build, CourseGradebook(state.folder("nbgrader", name, mode=0o700), name))
    made = workshop.adopt(course)
    print(f"Version {made.number} of {name} is what stands in {course.path}; learners have it.")


def _write(workshop: Workshop, name: str, number: int | None, to: Path) -> None:
    version = workshop.version(name, number) if number else workshop.released(name) or workshop.newest(name)
    if version is None:
        raise OperatorError(f"{name} has no such version.", instead=f"labkit courses versions {name} lists them.")
    if (to / name).exists():
        raise OperatorError(f"{to / name} is there already.", instead="Name another folder: nothing is written over.")
    files.write(workshop.files(version), to / name)
    print(f"Version {version.number} of {name} is in {to / name}.")


def _print(workshop: Workshop, name: str, settings: Settings, *, as_json: bool) -> None:
    found, released = workshop.versions(name, 100), workshop.released(name)
    if as_json:
        print(
            json.dumps({"released": released.number if released else None, "versions": [_told(one) for one in found]})
        )
        return
    table = Table("version", "sent", "by", "checked", "released", "by", "commit")
    for one in found:
        sent, made = (f"{at:%Y-%m-%d %H:%M}" if at else "" for at in (one.made_at, one.released_at))
        by = escape(one.made_by or "the operator")
        table.add_row(str(one.number), sent, by, one.state, made, escape(one.released_by or ""), one.commit[:12])
    Console(highlight=False, width=140).print(table)
    folder = settings.courses / name
    if released:
        print(f"Learners have version {released.number}. {folder} is not read any more; --adopt makes it the newest.")
    else:
        print(f"Learners have what stands in {folder}, as it was at the last start.")


def _told(one: Version) -> dict[str, object]:
    keys = ("number", "commit", "made_by", "state", "released_by")
    moments = {name: getattr(one, name) for name in ("made_at", "released_at")}
    return {key: getattr(one, key) for key in keys} | {
        name: at.isoformat() if at else None for name, at in moments.items()
    }
