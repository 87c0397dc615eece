"""`labkit grade`, `labkit courses check` and `calibrate`: the autograder without a hub."""

from __future__ import annotations

import argparse
import functools
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from autograder.batch_command import add_batch_arguments, grade_all, refused_words
from autograder.bounds import measure, too_dear
from autograder.calibrate import calls_gain, engine
from autograder.kept import Kept
from autograder.lane import ModelLane
from autograder.warm import Warm
from labkit.calibration import Calibration, refuse_unfit, write_calibration
from labkit.courses import Lab, build, load_course, load_courses
from labkit.courses.lint import lint
from labkit.courses.overlay import overlaid
from labkit.errors import AuthorError, OperatorError, SandboxUnavailable

# 1: a bound is broken, or what was given is refused; 2: the grader itself failed; 3: no sandbox works here.
_REFUSED, _FAULT, _NO_SANDBOX = 1, 2, 3


def grade(argv: list[str]) -> int:
    """Grades one notebook and prints its report; with `--all`, everybody's submissions of a lab."""
    from autograder.grade import grade as grade_submission
    from autograder.table import print_report

    parser = argparse.ArgumentParser(
        "labkit grade", description="Grades one notebook, or with --all a whole lab again.", allow_abbrev=False
    )
    parser.add_argument("course", metavar="COURSE")
    parser.add_argument("lab", metavar="LAB")
    parser.add_argument("notebook", metavar="NOTEBOOK", type=Path, nargs="?", help="one notebook, with no hub running")
    add_batch_arguments(parser)
    parser.add_argument("--learner", default="nobody", metavar="ID")
    parser.add_argument("--language", default="", metavar="en|fil", help="default: as the notebook's name says")
    _shared(parser)
    given = parser.parse_args(argv)
    if wrong := refused_words(given):
        parser.error(wrong)
    if given.all:
        return _answered(lambda: grade_all(given))

    def run() -> int:
        lab = load_course(given.courses, given.course).lab(given.lab)
        language = given.language or ("fil" if given.notebook.name.endswith(".fil.ipynb") else "en")
        if language not in lab.languages:
            raise OperatorError(f"This lab is not written in {language!r}.", instead=f"It is in {lab.languages}.")
        lane = ModelLane(given.model_home, _progress)
        content = _read(given.notebook)
        with Warm() as warm:
            report = grade_submission(lab, content, learner=given.learner, lane=lane, warm=warm, language=language)
        if given.json:
            print(json.dumps(report.to_json(), ensure_ascii=False))
        else:
            print_report(report)
        return _FAULT if report.fault else 0

    return _answered(run)


def check(argv: list[str]) -> int:
    """Looks for what would trouble learners, grades every lab's reference, starter and attempts, and says whether each
    scores as it must."""
    from autograder.table import print_bounds

    parser = argparse.ArgumentParser(
        "labkit courses check",
        description="Grades what each lab says of itself, and looks for what would trouble learners.",
        allow_abbrev=False,
    )
    parser.add_argument("which", nargs="?", default="", metavar="COURSE[/LAB]")
    parser.add_argument("--all", action="store_true", help="every course in DIR")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep results in FILE, and go by those it has")
    _with_overlay(parser)
    given = parser.parse_args(argv)
    if bool(given.which) == given.all:
        parser.error("name COURSE or COURSE/LAB, or give --all")

    def run() -> int:
        lane = ModelLane(given.model_home, _progress)
        with _labs(given) as labs, Warm() as warm:
            findings = [one for lab in labs for one in lint(lab)]
            kept = Kept(given.resume)
            results = [measure(lab, lane, warm, _progress, kept) for lab in labs]
            findings += [one for lab, result in zip(labs, results, strict=True) for one in too_dear(lab, result)]
        for one in findings:
            print(one, file=sys.stderr)
        if given.json:
            told = {"labs": [result.to_json() for result in results], "findings": [str(one) for one in findings]}
            print(json.dumps(told, ensure_ascii=False))
        else:
            print_bounds(results)
        return _REFUSED if findings or not all(result.ok for result in results) else 0

    return _answered(run)


def calibrate(argv: list[str]) -> int:
    """Measures labs that a model grades and writes their calibration.json; 1 where one cannot be graded by it."""
    from autograder.table import print_calibrations

    parser = argparse.ArgumentParser("labkit courses calibrate", description=calibrate.__doc__, allow_abbrev=False)
    parser.add_argument("which", metavar="COURSE[/LAB]")
    parser.add_argument("--draws", type=int, default=20, metavar="N", help="learners to draw items for; default: 20")
    parser.add_argument("--dry-run", action="store_true", help="writes nothing")
    _with_overlay(parser)
    given = parser.parse_args(argv)
    if given.draws < 1:
        parser.error("--draws is at least 1")

    def run() -> int:
        with _labs(given) as labs:
            found = _calibrated([lab for lab in labs if calls_gain(lab)], given)
        if given.json:
            print(json.dumps({name: asdict(made) for name, made in found.items()}))
        else:
            print_calibrations(found)
        return 0

    return _answered(run)


def _calibrated(labs: Sequence[Lab], given: argparse.Namespace) -> dict[str, Calibration]:
    from autograder.calibrate import calibrate as measured
    from labkit.models import embedded

    if not labs:
        told = "Call gain(...) in a hidden test: docs/add-a-lab.md, part 4."
        raise OperatorError(f"No model grades anything in {given.which}.", instead=told)
    found = {}
    with Warm() as warm:
        for lab in labs:
            prepared = embedded.prepare(given.model_home, _progress)
            lane = functools.partial(ModelLane, given.model_home, _progress)
            made = measured(lab, lane, warm, given.draws, (prepared.sha256, engine()), _progress)
            refuse_unfit(made, f"{lab.course}/{lab.id}")
            if not given.dry_run:
                write_calibration(_home_of(lab, given), prepared.model.id, made)
            found[f"{lab.course}/{lab.id}"] = made
    return found


def _with_overlay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--overlay", type=Path, metavar="DIR", help="hidden files and calibrations that are kept apart")
    _shared(parser)


def _shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--courses", type=Path, default=Path("courses"), metavar="DIR", help="default: ./courses")
    parser.add_argument("--model-home", type=Path, default=Path(".labkit/models"), metavar="DIR")
    parser.add_argument("--json", action="store_true")


@contextmanager
def _labs(given: argparse.Namespace) -> Iterator[Sequence[Lab]]:
    """The labs asked for, once they have been built somewhere: what cannot be built is not graded. Of a course whose
    other labs are still being written, one can be looked at alone."""
    course_id, _, lab_id = given.which.partition("/")
    read = (load_course(given.courses, course_id),) if given.which else load_courses(given.courses)
    if lab_id:
        read = (replace(read[0], labs=(read[0].lab(lab_id),)),)
    with ExitStack() as stack:
        courses = [stack.enter_context(overlaid(course, given.overlay)) for course in read]
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for course in courses:
            build(course, Path(folder) / course.id)
        yield [lab for course in courses for lab in course.labs]


def _home_of(lab: Lab, given: argparse.Namespace) -> Path:
    """The folder its calibration belongs in: the overlay's, where that has the lab."""
    own: Path = given.courses / lab.course / lab.id
    private: Path | None = given.overlay / lab.course / lab.id if given.overlay else None
    return private if private and private.is_dir() else own


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}.", instead="Name a notebook file.") from error


def _answered(run: Callable[[], int]) -> int:
    try:
        return run()
    except SandboxUnavailable as error:
        print(error, file=sys.stderr)
        return _NO_SANDBOX
    except (AuthorError, OperatorError) as error:
        print(error, file=sys.stderr)
        return _REFUSED


def _progress(sentence: str) -> None:
    if sys.stderr.isatty():
        print(sentence, file=sys.stderr)
