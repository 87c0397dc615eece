"""While a learner may hand in again, nothing of a hidden check but a word and the author's hint reaches her."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from labkit.courses import Lab
from labkit.submissions.coarse import coarsened, is_coarse
from labkit.submissions.store import Store

NOW = datetime.now(UTC)
LAB = Lab("testing", "clip", "Clip", Path("/nowhere"), attempts=2)


def check(passed: bool, reason: str = "SECRET", advice: str = "") -> dict[str, object]:
    return {"reason": reason, "passed": passed, "hint": f"SECRET {advice}", "advice": advice}


def item(points: float, *checks: dict[str, object], most: float = 3.0, **more: object) -> dict[str, object]:
    return {
        "name": "part",
        "points": points,
        "max": most,
        "checks": list(checks),
        "hidden": True,
        "pending": False,
        **more,
    }


def report(*items: dict[str, object], **more: object) -> dict[str, object]:
    score = sum(one["points"] for one in items)
    return {"score": score, "max": 9.0, "items": list(items), "fault": None, "notes": [], "manual": [], **more}


@pytest.mark.parametrize(
    ("one", "holds", "hints"),
    [
        (item(3.0, check(True), check(True)), "all", []),
        (item(1.5, check(True), check(False, advice="look at the middle")), "some", ["look at the middle"]),
        (item(2.99, check(True), check(False)), "some", []),
        (item(0.0, check(False, advice="b"), check(False, advice="a")), "nothing", ["a", "b"]),
        (item(0.0, check(True), check(False)), "nothing", []),
        (item(0.0), "nothing", []),
        (item(0.0, check(True), most=0.0), "all", []),
        (item(0.0, pending=True), "", []),
    ],
)
def test_a_hidden_item_becomes_one_word_and_the_authors_hints(one, holds, hints):
    shown = coarsened(report(one))["items"][0]
    assert (shown["holds"], shown["hints"]) == (holds, hints)
    assert set(shown) == {"name", "max", "hidden", "pending", "holds", "hints"}
    assert "SECRET" not in json.dumps(shown)


def test_visible_items_stay_as_they_are_and_the_score_is_at_least():
    seen = item(1.25, check(True, "seen"), hidden=False)
    shown = coarsened(report(seen, item(1.5, check(False)), item(3.0, check(True))))
    assert shown["items"][0] == seen
    assert (shown["score"], shown["max"], shown["at_least"]) == (4.25, 9.0, True)


def test_notes_from_after_a_hidden_test_and_items_of_the_first_reports_are_not_shown():
    old = {
        "name": "part",
        "points": 1.5,
        "max": 3.0,
        "checks": [{"reason": "SECRET", "passed": False, "hint": "SECRET"}],
    }
    shown = coarsened(report(old, notes=["early", "SECRET on line 7"], early_notes=1))
    assert shown["notes"] == ["early"]
    assert "SECRET" not in json.dumps(shown)


points = some.floats(0.01, 2.99)


@given(points, points, some.lists(some.text(min_size=1), min_size=1), some.integers(0, 5))
def test_two_works_that_fail_the_same_hints_look_the_same(one: float, other: float, reasons: list[str], more: int):
    """Neither how many points nor which of the checks: what is shown of a hidden item depends on neither."""
    first = report(item(one, *(check(False, reason, "hint") for reason in reasons)))
    second = report(item(other, *(check(True) for _ in range(more)), check(False, "another", "hint")))
    assert coarsened(first) == coarsened(second)


@given(points)
def test_coarsening_twice_or_the_stored_report_itself_changes_nothing(one: float):
    whole = report(item(one, check(False)), item(1.0, check(True, "seen"), hidden=False))
    before = json.dumps(whole)
    coarsened(whole)
    assert json.dumps(whole) == before


def submissions(store: Store, *states: str):
    made = []
    for number, state in enumerate(states):
        receipt, _ = store.receive("ana", "testing", "clip", {"clip.ipynb": bytes([number])}, [])
        made.append(replace(store.get(receipt.id), state=state))
    return made


@pytest.mark.parametrize(
    ("lab", "states", "learner", "coarse"),
    [
        (LAB, ["graded"], True, True),
        (LAB, ["graded", "queued"], True, True),
        (LAB, ["graded", "grading"], True, True),
        (LAB, ["graded", "fault"], True, True),
        (LAB, ["graded", "graded"], True, False),
        (LAB, ["graded"], False, False),
        (replace(LAB, attempts=None), ["graded"], True, False),
        (replace(LAB, due=NOW + timedelta(hours=1)), ["graded"], True, True),
        (replace(LAB, due=NOW - timedelta(hours=1)), ["graded"], True, False),
    ],
)
def test_words_are_shown_until_nothing_can_be_gained_by_more(store: Store, lab, states, learner, coarse):
    assert is_coarse(lab, submissions(store, *states), learner=learner, now=NOW) == coarse
