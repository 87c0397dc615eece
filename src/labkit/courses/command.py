"""`labkit courses build` and `new`: notebooks out of text, and text to begin with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from labkit.courses.build import build as build_course
from labkit.courses.load import load_course
from labkit.courses.overlay import overlaid
from labkit.courses.new import new_lab
from labkit.errors import AuthorError, OperatorError


def build(argv: list[str]) -> int:
    """Writes OUT/{reference,learner,grader}/LAB/LAB.ipynb; 1 where the text is refused."""
    parser = argparse.ArgumentParser("labkit courses build", description="Builds a course's notebooks from its text.", allow_abbrev=False)
    parser.add_argument("course", metavar="COURSE")
    parser.add_argument("--courses", type=Path, default=Path("courses"), metavar="DIR", help="default: ./courses")
    parser.add_argument("--overlay", type=Path, metavar="DIR", help="hidden files and calibrations that are kept apart")
    parser.add_argument("--to", type=Path, required=True, metavar="OUT")
    given = parser.parse_args(argv)
    try:
        with overlaid(load_course(given.courses, given.course), given.overlay) as course:
            build_course(course, given.to)
    except OSError as error:
        print(f"{given.to} cannot be written: {error.strerror}. Name another folder with --to.", file=sys.stderr)
        return 1
    except (AuthorError, OperatorError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(course.labs)} labs of {course.id} are in {given.to}/reference, learner and grader.")
    if course.packages:
        print(f"Its labs import {', '.join(course.packages)}: install them where learners' servers and the grader run.")
    return 0


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
    try:
        lab = new_lab(given.courses, course_id, lab_id, given.title)
    except OSError as error:
        print(f"{given.courses} cannot be written: {error.strerror}. Name another folder with --courses.", file=sys.stderr)
        return 1
    except (AuthorError, OperatorError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{lab.path}/lab.py is a whole lab: write yours over it, then say labkit courses check {lab.course}/{lab.id}")
    return 0
