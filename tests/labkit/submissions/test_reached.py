"""Points by outcome, worked out from reports of any age and the course's text as it is now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labkit.courses import Course, load_course
from labkit.submissions.coarse import coarsened
from labkit.submissions.reached import Reached, Shown, reached, whole
from labkit.submissions.scores import Score

TOML = """\
title = "T"
[[outcomes]]
id = "ask"
text = "Ask"
[[outcomes]]
id = "judge"
text = "Judge"
[[labs]]
id = "one"
title = "One"
"""
LAB = """\
# %% test="seen" points=4 outcome="ask"
assert abs(-1) == 1
# %% test="unseen" points=6 hidden outcome="judge"
assert abs(-2) == 2
# %% [markdown] answer="why" points=10 outcome="judge"
# Why?
"""
TWO_ANSWERS = LAB + '# %% [markdown] answer="how" points=5 outcome="ask"\n# How?\n'
Make = Callable[..., Course]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def course(lab: str = LAB) -> Course:
        (tmp_path / "c" / "one").mkdir(parents=True)
        (tmp_path / "c" / "course.toml").write_text(TOML)
        (tmp_path / "c" / "one" / "lab.py").write_text(lab)
        return load_course(tmp_path, "c")

    return course


def item(name: str, points: float, most: float, **more: object) -> dict[str, object]:
    return {"name": name, "points": points, "max": most, "checks": [], "hidden": False, **more}


def score(*items: dict[str, object], manual: float | None = None, names: tuple[str, ...] = ("why",), **more) -> Score:
    answers = [{"name": name, "max": 10} for name in names]
    report = {"score": 0, "max": 10, "items": list(items), "fault": None, "manual": answers, **more}
    return Score("s", "ana", "c", "one", 0, 10, report, manual, 10.0 * len(names), datetime.now(UTC))


def told(found: tuple[Reached, ...]) -> dict[str, tuple[float, float, bool]]:
    return {one.outcome.id: (one.points, one.max, one.at_least) for one in found}


SEEN, UNSEEN = item("seen", 3, 4), item("unseen", 2, 6, hidden=True)


def test_points_are_added_up_by_outcome_over_tests_and_what_a_person_gave(make: Make):
    found = reached(make(), whole([score(SEEN, UNSEEN, manual=7.5)]))
    assert told(found) == {"ask": (3, 4, False), "judge": (9.5, 16, False)}
    assert [one.share for one in found] == [75, 59]


def test_what_is_not_judged_yet_is_not_in_what_could_be_reached(make: Make):
    course = make()
    assert told(reached(course, [])) == {"ask": (0, 0, False), "judge": (0, 0, False)}
    waiting = score(SEEN, item("unseen", 0, 6, hidden=True, pending=True))
    assert told(reached(course, whole([waiting]))) == {"ask": (3, 4, False), "judge": (0, 0, False)}
    assert reached(course, [])[0].share == 0


def test_a_fault_of_ours_counts_for_nothing(make: Make):
    assert told(reached(make(), whole([score(SEEN, fault="ours")])))["ask"] == (0, 0, False)


def test_several_learners_are_counted_together(make: Make):
    found = told(reached(make(), whole([score(SEEN), score(item("seen", 1, 4))])))
    assert found["ask"] == (4, 8, False)


def test_a_report_from_before_outcomes_counts_and_an_item_the_text_no_longer_has_does_not(make: Make):
    old = item("seen", 3, 4)
    del old["hidden"]
    report_only = score(old, item("gone", 9, 9))
    del report_only.report["manual"]
    assert told(reached(make(), whole([report_only]))) == {"ask": (3, 4, False), "judge": (0, 0, False)}


def test_what_a_person_gave_for_answers_about_several_outcomes_counts_for_none(make: Make):
    found = told(reached(make(TWO_ANSWERS), whole([score(SEEN, manual=12, names=("why", "how"))])))
    assert found == {"ask": (3, 4, False), "judge": (0, 0, False)}


@pytest.mark.parametrize(
    ("points", "passed", "shown"), [(2, False, (0, 6, True)), (0, False, (0, 6, True)), (6, True, (6, 6, False))]
)
def test_of_hidden_checks_she_learns_no_more_than_her_coarse_report_says(make: Make, points, passed, shown):
    check = {"reason": "r", "passed": passed, "hint": "", "advice": ""}
    one = score(SEEN, item("unseen", points, 6, hidden=True, checks=[check]))
    found = told(reached(make(), [Shown(one, coarsened(one.report))]))
    assert found == {"ask": (3, 4, False), "judge": shown}
