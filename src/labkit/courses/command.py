"""`labkit courses build` and `new`: notebooks out of text, and text to begin with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from labkit.courses.build import build as build_course
from labkit.courses.load import load_course
from labkit.courses.new import new_lab
from labkit.courses.overlay import overlaid
from labkit.errors import AuthorError, OperatorError


def build(argv: list[str]) -> int:
    """Writes OUT/{reference,learner,grader}/LAB/LAB.ipynb; 1 where the text is refused."""
    parser = argparse.ArgumentParser(
        "labkit courses build", description="Builds a course's notebooks from its text.", allow_abbrev=False
    )
    parser.add_argument("course", metavar="COURSE")
    parser.add_argument("--courses", type=Path, default=Path("courses"), metavar="DIR", help="default: ./courses")
    parser.add_argument("--overlay", type=Path, metavar="DIR", help="hidden files and calibrations that are kept apart")
    parser.add_argument("--to", type=Path, required=True, metavar="OUT")
    given = parser.parse_args(argv)

    def run() -> list[str]:
        with overlaid(load_course(given.courses, given.course), given.overlay) as course:
            build_course(course, given.to)
        told = [f"{len(course.labs)} labs of {course.id} are in {given.to}/reference, learner and grader."]
        if course.packages:
            needed = ", ".join(course.packages)
            told.append(f"Its labs import {needed}: install them where learners' servers and the grader run.")
        return told

    return _answered(run, given.to, "--to")


def new(argv: list[str]) -> int:
    """Writes a small complete lab to begin with, and its [[labs]] table; 1 where something is in the way."""
    parser = argparse.ArgumentParser("labkit courses new", description=new.__doc__, allow_abbrev=False)
    parser.add_argument("which", metavar="COURSE/LAB")
    parser.add_argument("--title", default="", help="default: the lab's id in words")
    parser.add_argument("--courses", type=Path, default=Path("courses"), metavar="DIR", help="default: ./courses")
    given = parser.parse_args(argv)
    course_id, slash, lab_id = given.which.partition("/")
    if not slash:
        parser.error("name COURSE/LAB")

    def run() -> list[str]:
        lab = new_lab(given.courses, course_id, lab_id, given.title)
        next_step = f"write yours over it, then say labkit courses check {lab.course}/{lab.id}"
        return [f"{lab.path}/lab.py is a whole lab: {next_step}"]

    return _answered(run, given.courses, "--courses")


def _answered(run: Callable[[], list[str]], folder: Path, option: str) -> int:
    """Prints what it tells, or why it was refused; `option` is the one that names `folder`."""
    try:
        told = run()
    except OSError as error:
        print(f"{folder} cannot be written: {error.strerror}. Name another folder with {option}.", file=sys.stderr)
        return 1
    except (AuthorError, OperatorError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(told))
    return 0
