"""`labkit courses build`: notebooks out of text."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from labkit.courses.build import build as build_course
from labkit.courses.load import load_course
from labkit.errors import AuthorError, OperatorError


def build(argv: list[str]) -> int:
    """Writes OUT/{reference,learner,grader}/LAB/LAB.ipynb; 1 where the text is refused."""
    parser = argparse.ArgumentParser("labkit courses build", description="Builds a course's notebooks from its text.", allow_abbrev=False)
    parser.add_argument("course", metavar="COURSE")
    parser.add_argument("--courses", type=Path, default=Path("courses"), metavar="DIR", help="default: ./courses")
    parser.add_argument("--to", type=Path, required=True, metavar="OUT")
    given = parser.parse_args(argv)
    try:
        course = load_course(given.courses, given.course)
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
