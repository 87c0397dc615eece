"""Other amounts than the course's: whose wins, and what is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from labkit.allowance import Share
from labkit.allowance.limits import Limit, applied, every, remove, set_limit
from labkit.errors import OperatorError

HERE = ("ana", "first", "prompting", "triage")


def lab(**more: object) -> Limit:
    return Limit("lab", course="prompting", lab="triage", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "tokens"),
    [
        ([], 100),
        ([lab(cohort="first", tokens=200)], 200),
        ([lab(cohort="first", tokens=200), lab(username="ana", tokens=5)], 5),
        ([lab(username="ana", tokens=5), lab(cohort="first", tokens=200)], 5),
        ([lab(username="ben", tokens=5)], 100),
        ([lab(cohort="second", tokens=5)], 100),
        ([Limit("lab", username="ana", course="prompting", lab="tokens", tokens=5)], 100),
        ([Limit("person", username="ana", tokens=5)], 100),
        ([lab(username="ana", requests=3)], 100),
    ],
)
def test_the_nearest_limit_wins(found: list[Limit], tokens: int) -> None:
    assert applied(Share(100), found, "lab", *HERE).tokens == tokens


def test_a_limit_of_requests_leaves_the_tokens_and_the_window_as_they_were() -> None:
    found = applied(Share(100, 9, "total"), [lab(username="ana", requests=3)], "lab", *HERE)
    assert found == Share(100, 3, "total")


def test_a_limit_is_written_read_replaced_and_taken_away(engine: Engine) -> None:
    set_limit(engine, lab(username="ana", tokens=5), "tess")
    set_limit(engine, lab(username="ana", tokens=7), None)
    set_limit(engine, Limit("cohort", cohort="first", tokens=10**6), "maria")
    assert {one.tokens for one in every(engine)} == {7, 10**6}
    assert remove(engine, lab(username="ana"))
    assert not remove(engine, lab(username="ana"))
    assert [one.scope for one in every(engine)] == ["cohort"]


@pytest.mark.parametrize(
    ("limit", "complaint"),
    [
        (Limit("course", username="ana", tokens=5), "no limit of a 'course'"),
        (lab(username="ana"), "says nothing"),
        (lab(username="ana", tokens=-1), "whole number"),
        (lab(username="ana", requests=2**31), "whole number"),
        (lab(tokens=5), "nobody's"),
        (lab(username="ana", steps=-1), "whole number"),
        (Limit("person", username="ana", steps=5), "are a lab's"),
        (Limit("cohort", cohort="first", minutes=5), "are a lab's"),
        (Limit("lab", username="ana", tokens=5), "names the lab"),
        (Limit("person", username="ana", lab="triage", tokens=5), "all labs together"),
        (Limit("cohort", cohort="first", username="ana", tokens=5), "all its people"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(limit: Limit, complaint: str, engine: Engine) -> None:
    with pytest.raises(OperatorError, match=complaint):
        set_limit(engine, limit, None)
    assert every(engine) == ()
