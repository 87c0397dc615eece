"""Whose job is next, and what is said of when it will be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.training.job import Job
from labkit.training.spec import Spec
from labkit.training.turns import FULL, MOST_TOGETHER, SLICE, forecast, gives_way, in_turn, room_for

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def job(
    number: int, who: str = "ana", *, tokens: float = 100, steps: int = 10, step: int = 0, state: str = "queued"
) -> Job:
    row = dict.fromkeys(Job.__dataclass_fields__) | {
        **{"id": f"ftjob-{number:024x}", "username": who, "cohort": "", "course": "c", "lab": "l", "told": {}},
        **{"spec": Spec("base", steps=steps).to_json(), "state": state, "created_at": NOON + timedelta(seconds=number)},
        **{"step": step, "tokens": 0, "step_tokens": tokens, "seconds": 0.0, "cancelling": False, "tries": 0},
        **{"training_file": "f", "training_digest": "d"},
    }
    return Job.of(row)


def test_people_take_turns():
    many = [job(number) for number in range(3)]
    ben, carla = job(10, "ben"), job(11, "carla")

    assert in_turn([], [*many, ben, carla], {}) == [many[0], ben, carla, *many[1:]]


def test_whoever_has_one_running_comes_after_whoever_has_none():
    assert in_turn([job(1, state="running")], [job(2), job(3, "ben")], {}) == [job(3, "ben"), job(2)]


def test_a_pass_is_filled_and_not_more():
    assert room_for([], FULL * 10), "one alone always may"
    assert room_for([FULL / 2], FULL / 2)
    assert not room_for([FULL / 2], FULL / 2 + 1)
    assert not room_for([1.0] * MOST_TOGETHER, 1.0)


def test_two_that_fit_together_are_done_together():
    found = forecast([], [job(1), job(2, "ben")], 100, {})

    assert {one.seconds for one in found.values()} == {20.0}
    assert [found[one.id].place for one in (job(1), job(2))] == [1, 2]


def test_one_that_does_not_fit_waits_for_the_first():
    large = FULL * 0.8
    found = forecast([job(1, tokens=large, step=5, state="running")], [job(2, "ben", tokens=large)], large, {})

    assert (found[job(1).id].place, found[job(1).id].seconds) == (0, pytest.approx(5))
    assert (found[job(2).id].place, found[job(2).id].seconds) == (1, pytest.approx(15))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(1, 900), st.integers(1, 60)), min_size=1, max_size=12),
    st.integers(0, 4),
)
def test_the_last_is_done_when_all_the_work_is(jobs, running: int):
    made = [job(number, who, tokens=tokens, steps=steps) for number, (who, tokens, steps) in enumerate(jobs)]
    # As many run as may.
    going: list[Job] = []
    for one in made[:running]:
        if room_for([other.step_tokens for other in going], one.step_tokens):
            going.append(replace(one, state="running"))
    waiting = [one for one in made if one.id not in {other.id for other in going}]
    found = forecast(going, waiting, 50, {})

    assert found.keys() == {one.id for one in made}
    assert max(one.seconds for one in found.values()) == pytest.approx(sum(one.work_left for one in made) / 50)
    assert sorted(one.place for one in found.values() if one.place) == list(range(1, len(waiting) + 1))


def test_whoever_has_had_a_slice_of_the_machine_lately_comes_after_whoever_has_not():
    had = {"ana": SLICE * 1.5, "ben": SLICE * 0.9}

    assert in_turn([], [job(1), job(2, "ben"), job(3, "carla")], had) == [job(2, "ben"), job(3, "carla"), job(1)]


def test_somebodys_second_does_not_come_before_anothers_first_although_the_first_is_over():
    """What she has had counts, not what of hers runs now."""
    assert in_turn([], [job(1), job(2, "ben")], {"ana": 284.0}) == [job(2, "ben"), job(1)]


def test_whoever_has_had_a_slice_more_gives_way_and_nobody_else():
    mine, his = job(1, state="running"), job(2, "ben")

    assert gives_way([mine], his, {"ana": SLICE * 1.1}) == mine
    assert gives_way([mine], his, {"ana": SLICE * 1.1, "ben": SLICE * 1.2}) is None
    assert gives_way([mine], job(3), {"ana": SLICE * 1.1}) is None, "not to herself"
    assert gives_way([], his, {}) is None


def test_a_short_one_does_not_wait_for_the_end_of_a_long_one():
    long = job(1, tokens=FULL, steps=1000, state="running")
    found = forecast([long], [job(2, "ben", tokens=FULL, steps=1)], FULL, {})

    assert found[job(2).id].seconds == pytest.approx(SLICE + 1, abs=0.1)
    assert found[long.id].seconds == pytest.approx(1001, abs=0.1)


def test_two_long_ones_take_turns_and_are_forecast_so():
    pair = [job(1, tokens=FULL, steps=500, state="running"), job(2, "ben", tokens=FULL, steps=500)]
    found = forecast(pair[:1], pair[1:], FULL, {})

    assert sorted(one.seconds for one in found.values()) == [pytest.approx(880, abs=130), pytest.approx(1000, abs=0.1)]


def test_a_forecast_of_what_would_take_days_comes_at_once():
    pair = [job(1, tokens=FULL, steps=10_000, state="running"), job(2, "ben", tokens=FULL, steps=10_000)]

    assert forecast(pair[:1], pair[1:], 0.1, {}).keys() == {one.id for one in pair}
