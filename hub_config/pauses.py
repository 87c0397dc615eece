"""`labkit models pause | resume`: takes a model away from a class for a while; running answers end within seconds."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from hub_config.database import opened
from hub_config.known import Known
from hub_config.settings import read
from labkit.errors import OperatorError
from labkit.policy import pauses
from labkit.policy.pauses import Pause


def pause(argv: list[str]) -> int:
    """Pauses MODEL for learners of a course, a cohort or a lab; without words, lists what is paused."""
    parser = _parser("pause", pause.__doc__)
    parser.add_argument("--json", action="store_true", help="the list, for programs")
    given = parser.parse_args(argv)
    settings = read()
    with opened(settings) as engine:
        if not any((given.model, given.every, given.course, given.cohort, given.lab)):
            return _list(pauses.every(engine), given.json)
        for one in (found := _pauses(Known(settings, engine), given)):
            pauses.pause(engine, one, None)
    print("\n".join(f"{_said(one)} is paused." for one in found))
    return 0


def resume(argv: list[str]) -> int:
    """Ends a pause; name it with the words it was made with."""
    given = _parser("resume", resume.__doc__).parse_args(argv)
    settings = read()
    with opened(settings) as engine:
        found = _pauses(Known(settings, engine), given)
        ended = [one for one in found if pauses.resume(engine, one)]
        running = pauses.every(engine)
    if not ended:
        named = "; ".join(_said(one) for one in running) or "none"
        raise OperatorError(f"There is no such pause: {_said(found[0])}.", instead=f"Paused are: {named}.")
    for one in ended:
        still = [other for other in running if other.meets(one)]
        print(f"{_said(one)} is not paused any more.")
        if still:
            print(f"Some of it still is: {'; '.join(map(_said, still))}.")
    return 0


def _parser(verb: str, words: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"labkit models {verb}", description=words, allow_abbrev=False)
    parser.add_argument("model", nargs="?", metavar="MODEL", help="as a lab names it")
    parser.add_argument("--every", action="store_true", help="every model instead of one")
    parser.add_argument("--course", help="every course, if neither it nor a cohort nor a lab is named")
    parser.add_argument("--cohort", help="as `labkit cohorts list` shows it")
    parser.add_argument("--lab", metavar="COURSE/LAB")
    return parser


def _pauses(known: Known, given: argparse.Namespace) -> tuple[Pause, ...]:
    """One for each course that is meant."""
    if bool(given.model) == given.every:
        raise OperatorError("Which model?", instead="Name one, or write --every for all of them.")
    model = known.model(given.model) if given.model else ""
    lab = known.lab(given.lab) if given.lab else None
    cohort = known.cohort(given.cohort) if given.cohort else None
    course = known.course(given.course) if given.course else None
    named = {one for one in (lab and lab.course, cohort and cohort.course, course and course.id) if one}
    if len(named) > 1:
        raise OperatorError(f"These are of two courses: {', '.join(sorted(named))}.", instead="Name things of one.")
    return tuple(
        Pause(one, cohort.name if cohort else "", lab.id if lab else "", model)
        for one in (named or {every.id for every in known.courses})
    )


def _said(one: Pause) -> str:
    where = f"{one.course}/{one.lab}" if one.lab else one.course
    return f"{one.model or 'every model'} in {where}{f' for {one.cohort}' if one.cohort else ''}"


def _list(found: tuple[Pause, ...], as_json: bool) -> int:
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    else:
        print("\n".join(_said(one) for one in found) or "Nothing is paused.")
    return 0
