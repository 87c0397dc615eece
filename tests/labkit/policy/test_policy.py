"""Pauses, exams and reports, on each kind of database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from labkit.errors import OperatorError
from labkit.policy import exams, pauses, reports
from labkit.policy.exams import Exam
from labkit.policy.pauses import Pause
from labkit.policy.reports import Report

NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("pause", "covered"),
    [
        (Pause("prompting"), True),
        (Pause("prompting", "first"), True),
        (Pause("prompting", "first", "triage", "smollm"), True),
        (Pause("prompting", model="smollm"), True),
        (Pause("tuning"), False),
        (Pause("prompting", "second"), False),
        (Pause("prompting", lab="tokens"), False),
        (Pause("prompting", model="qwen"), False),
    ],
)
def test_a_pause_covers_what_it_names_and_all_of_what_it_does_not(pause: Pause, covered: bool) -> None:
    assert pause.covers("prompting", "first", "triage", "smollm") is covered


def test_a_pause_is_begun_once_and_ended(engine: Engine) -> None:
    pauses.pause(engine, Pause("prompting", "first"), "tess")
    pauses.pause(engine, Pause("prompting", "first"), "jose")
    assert pauses.every(engine) == (Pause("prompting", "first"),)
    assert pauses.resume(engine, Pause("prompting", "first"))
    assert not pauses.resume(engine, Pause("prompting", "first"))
    assert pauses.every(engine) == ()


def exam(cohort: str, lab: str, opens: float, hours: float) -> Exam:
    return Exam(cohort, "prompting", lab, NOON + opens * HOUR, NOON + (opens + hours) * HOUR)


@pytest.mark.parametrize(
    ("cohorts", "lab"),
    [({"first"}, "finals"), ({"first", "second"}, "finals"), ({"second"}, None), ({"third"}, None), (set(), None)],
)
def test_an_open_exam_binds_its_cohort(cohorts: set[str], lab: str | None) -> None:
    found = [exam("first", "quiz", -1, 1), exam("first", "finals", -0.5, 1), exam("second", "finals", 1, 1)]
    running = exams.open_for(found, cohorts, NOON)
    assert (running.lab if running else None) == lab


def test_of_two_open_exams_the_one_that_closes_last_binds() -> None:
    found = [exam("first", "long", -1, 3), exam("second", "short", -1, 2)]
    assert exams.open_for(found, {"first", "second"}, NOON) == found[0]


def test_an_exam_is_planned_planned_again_and_cancelled(engine: Engine) -> None:
    exams.plan(engine, exam("first", "finals", 1, 1), "tess", NOON)
    exams.plan(engine, exam("first", "finals", 2, 1), "tess", NOON)
    assert exams.every(engine, NOON) == (exam("first", "finals", 2, 1),)
    assert exams.every(engine, NOON + 3 * HOUR) == ()
    assert exams.cancel(engine, "first", "prompting", "finals")
    assert not exams.cancel(engine, "first", "prompting", "finals")


@pytest.mark.parametrize("hours", [0, -1])
def test_an_exam_that_closes_before_it_opens_is_refused(hours: float, engine: Engine) -> None:
    with pytest.raises(OperatorError, match="closes after it opens"):
        exams.plan(engine, exam("first", "finals", 1, hours), None, NOON)


def test_an_exam_that_would_be_over_already_is_refused(engine: Engine) -> None:
    with pytest.raises(OperatorError, match="later than now"):
        exams.plan(engine, exam("first", "finals", -2, 1), None, NOON)
    assert exams.every(engine, NOON - 3 * HOUR) == ()


@pytest.mark.parametrize(
    ("cohort", "lab", "opens", "fits"),
    [
        ("first", "quiz", 1.5, False),
        ("first", "quiz", 0.5, False),
        ("first", "quiz", 2, True),
        ("second", "quiz", 1, True),
        ("first", "finals", 1.5, True),
    ],
)
def test_a_cohort_sits_one_exam_at_a_time(cohort: str, lab: str, opens: float, fits: bool, engine: Engine) -> None:
    exams.plan(engine, exam("first", "finals", 1, 1), "tess", NOON)
    if fits:
        exams.plan(engine, exam(cohort, lab, opens, 1), "tess", NOON)
    else:
        with pytest.raises(exams.ExamInTheWay, match="prompting/finals"):
            exams.plan(engine, exam(cohort, lab, opens, 1), "tess", NOON)


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (Pause("prompting"), True),
        (Pause("prompting", "first"), True),
        (Pause("prompting", "second"), False),
        (Pause("prompting", "first", "quiz"), True),
        (Pause("prompting", model="qwen"), False),
        (Pause("tuning", "first"), False),
    ],
)
def test_two_pauses_meet_where_a_call_can_fall_under_both(other: Pause, meets: bool) -> None:
    assert Pause("prompting", "first", "", "smollm").meets(other) is meets


def test_a_report_is_seen_by_those_of_its_cohort_and_marked_once_seen(engine: Engine) -> None:
    said = {"model": "smollm", "asked": "q" * 9000, "answered": "a\0b", "reason": "rude"}
    number = reports.add(engine, Report("ana", "first", "prompting", "triage", **said), NOON)
    reports.add(engine, Report("ben", "second", "prompting", "triage", **said), NOON)
    [found] = reports.of_cohorts(engine, "prompting", {"first"})
    assert (found.id, found.username, len(found.asked), found.answered) == (number, "ana", reports.LONGEST, "ab")
    assert not reports.see(engine, number, {"second"}, "jose")
    assert reports.see(engine, number, {"first"}, "tess", NOON)
    [seen] = reports.of_cohorts(engine, "prompting", {"first"})
    assert (seen.seen_by, seen.seen_at) == ("tess", NOON)
    assert reports.of_cohorts(engine, "tuning", {"first"}) == []
