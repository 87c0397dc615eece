"""`labkit grade COURSE LAB --all`: a whole lab graded again, or rescored, beside a running platform or without one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from autograder.batch import Summary, run
from autograder.conversation import GRACE
from autograder.grader import Grader
from autograder.rescore import Proposal, commit, propose, refuse
from labkit.courses import Lab, load_course
from labkit.courses.overlay import KEPT, overlaid
from labkit.errors import AuthorError, OperatorError
from labkit.strict import read_json, strict

_FAULT = 2
_ONLY_WITH_ALL = ("workers", "only_changed", "rescore", "yes", "home")


def add_batch_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="every learner's newest submission, from the platform")
    parser.add_argument("--workers", type=int, metavar="N", help="with --all: how many at once (default: 2)")
    parser.add_argument("--only-changed", action="store_true", help="with --all: not what this very lab graded already")
    parser.add_argument(
        "--rescore", action="store_true", help="with --all: show old and new scores before writing them"
    )
    parser.add_argument("--yes", action="store_true", help="with --rescore: write them without asking")
    parser.add_argument("--home", type=Path, metavar="DIR", help="with --all: the platform's folder (default: .labkit)")


def refused_words(given: argparse.Namespace) -> str:
    """What is wrong with how the words were put together, or ""."""
    if given.all and given.notebook:
        return "name a NOTEBOOK or give --all, not both"
    if not given.all and not given.notebook:
        return "name a NOTEBOOK, or give --all for every learner's newest submission"
    alone = [f"--{name.replace('_', '-')}" for name in _ONLY_WITH_ALL if getattr(given, name)]
    if alone and not given.all:
        return f"{alone[0]} goes with --all"
    if given.yes and not given.rescore:
        return "--yes goes with --rescore"
    if given.rescore and given.only_changed:
        return "--rescore grades everybody anew; leave --only-changed out"
    if given.workers is not None and not 1 <= given.workers <= 64:
        return "--workers is a number from 1 to 64"
    return ""


def grade_all(given: argparse.Namespace) -> int:
    grader, written = _compose(given.home or Path(".labkit"))
    try:
        if given.course not in grader.courses:
            taught = ", ".join(grader.courses) or "none"
            raise OperatorError(f"The course {given.course!r} is not taught here.", instead=f"Taught: {taught}.")
        in_force = grader.courses[given.course].lab(given.lab)
        if given.rescore:
            with overlaid(load_course(written, given.course), grader.build / KEPT) as course:
                grader.courses = {**grader.courses, course.id: course}
                return _rescore(grader, course.lab(given.lab), given)
        _hint_at_another_text(in_force, written, grader.build / KEPT)
        grader.warm.boot(in_force.profile)
        return _batch(grader, in_force, given)
    finally:
        grader.warm.close()
        grader.engine.dispose()


def _compose(home: Path) -> tuple[Grader, Path]:
    """The platform's own grader, and the folder its authors write in."""
    from autograder.worker import Config, compose

    file = home / "run" / "grader.json"
    if not file.is_file():
        raise OperatorError(
            f"There is no platform in {home}: {file} is missing.",
            instead="Start it once, or name its folder: --home DIR.",
        )
    config = strict(Config, read_json(file), str(file))
    return compose(config), Path(config.courses)


def _hint_at_another_text(in_force: Lab, written: Path, overlay: Path) -> None:
    try:
        with overlaid(load_course(written, in_force.course), overlay) as course:
            same = course.lab(in_force.id).release == in_force.release
    except (AuthorError, OperatorError):
        same = False
    if not same:
        print(
            f"{written / in_force.course / in_force.id} is not what is published; what is published is graded. "
            "To grade by the new text: --rescore.",
            file=sys.stderr,
        )


def _batch(grader: Grader, lab: Lab, given: argparse.Namespace) -> int:
    with _bar(quiet=given.json) as bar:
        task = bar.add_task(f"{lab.course}/{lab.id}", total=None)
        summary = run(
            grader,
            lab,
            workers=given.workers or 2,
            only_changed=given.only_changed,
            progress=lambda seen: bar.update(task, total=seen.total, completed=seen.total - seen.waiting),
            stopping=lambda: print(
                "Stopping once what is being graded is finished (at most "
                f"{lab.limits.seconds + GRACE:g} s; Ctrl-C again "
                "to stop now). The same line goes on later; nobody is graded twice.",
                file=sys.stderr,
            ),
        )
    if given.json:
        print(json.dumps(summary.to_json(), ensure_ascii=False))
    else:
        _print_summary(summary)
    return _FAULT if summary.faults else 0


def _rescore(grader: Grader, lab: Lab, given: argparse.Namespace) -> int:
    refuse(grader, lab)
    with _bar(quiet=given.json) as bar:
        task = bar.add_task(f"{lab.course}/{lab.id}", total=None)
        proposals = propose(
            grader,
            lab,
            workers=given.workers or 2,
            progress=lambda done, total: bar.update(task, total=total, completed=done),
        )
    if not given.json:
        _print_proposals(proposals)
    written = _agreed(given, proposals)
    changed = commit(grader, lab, proposals) if written else sum(one.changes for one in proposals)
    faults = [one.learner for one in proposals if one.new is None]
    if given.json:
        rows = [one.to_json() for one in proposals]
        print(json.dumps({"written": written, "changed": changed, "faults": faults, "rows": rows}, ensure_ascii=False))
    else:
        noun = "score" if changed == 1 else "scores"
        print(f"{changed} {noun} {'changed' if written else 'would change; nothing was written'}.")
    return _FAULT if faults else 0


def _agreed(given: argparse.Namespace, proposals: Sequence[Proposal]) -> bool:
    if given.yes or not proposals:
        return bool(given.yes)
    if given.json or not sys.stdin.isatty():
        return False
    return input("Write these scores down? [y/N] ").strip().lower() in ("y", "yes", "oo")


def _bar(*, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    return Progress(*columns, TimeRemainingColumn(), console=console, disable=quiet or not console.is_terminal)


def _print_summary(summary: Summary) -> None:
    if not summary.graded and not summary.faults:
        print("Nothing to grade: nobody has handed in, or this release has graded everything already.")
        return
    table = Table("", "learners", title="Resumed and finished" if summary.resumed else None)
    table.add_row("graded", str(summary.graded))
    table.add_row("of these, repaired", str(summary.repaired))
    for limit, learners in summary.limits.items():
        table.add_row(f"of these, met the limit: {limit}", str(learners))
    table.add_row("not graded, through our fault", str(len(summary.faults)))
    Console(highlight=False).print(table)
    if summary.faults:
        print(f"Not graded: {', '.join(summary.faults)}. Nobody scores 0 for that; the platform tries again each hour.")
    print(f"{summary.seconds:.1f} s")


def _print_proposals(proposals: Sequence[Proposal]) -> None:
    table = Table("learner", "old", "new", "of", "")
    for one in proposals:
        if one.changes or one.new is None:
            old, new = ("–" if value is None else f"{value:g}" for value in (one.old, one.new))
            note = "our fault: not graded" if one.new is None else f"{one.new - (one.old or 0):+g}"
            table.add_row(one.learner, old, new, f"{one.max:g}", note)
    console = Console(highlight=False)
    if table.row_count:
        console.print(table)
    console.print(f"{len(proposals)} submissions looked at, {table.row_count} in the table above.")
