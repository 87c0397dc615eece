"""What is kept too long is shown first and then goes; what is not stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select, update

from labkit.database.tables import (
    applicants,
    attempts,
    calls,
    cohorts,
    invitations,
    looks,
    people,
    prompts,
    reports,
    scores,
    sign_in_links,
    submissions,
)
from labkit.programme.privacy.erase import erase
from labkit.programme.privacy.retention import Done, Periods, apply, plan

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LONG, SHORT = NOW - timedelta(days=4000), NOW - timedelta(hours=1)
REPORT = {"score": 2.0, "max": 5.0, "items": [], "notes": ["her words"], "fault": None}


def work(name: str, at: datetime) -> dict[str, object]:
    row = {"id": f"work-{name}", "username": name, "course": "testing", "lab": "clip", "digest": name * 3}
    more = {"files": {"clip.ipynb": name * 5}, "missing": [], "extra": ["x"], "received_at": at, "state": "graded"}
    return {**row, **more, "signature": "s", "signing_key": "k"}


@pytest.fixture
def kept(engine: Engine) -> Iterator[Engine]:
    """Of everything something old and something new."""
    with engine.begin() as connection:
        for name, at in (("old", LONG), ("new", SHORT)):
            link = {"digest": name, "username": "ana", "expires_at": at + timedelta(days=7), "issued_by": "jose"}
            connection.execute(insert(sign_in_links).values(**link, used_at=at))
            connection.execute(insert(attempts).values(key=name, empty_at=at.timestamp()))
            look = {"id": name, "viewer": "jose", "subject": "ana", "what": "x", "at": at}
            connection.execute(insert(looks).values(**look))
            about = {"id": name, "digest": name, "cohort": "first", "places": 3, "expires_at": at, "made_at": at}
            connection.execute(insert(invitations).values(**about))
            who = {"id": name, "invitation": name, "email": f"{name}@x.org", "given_name": "A", "family_name": "B"}
            connection.execute(insert(applicants).values(**who, language="en", asked_at=at))
            place = {"username": "ana", "cohort": "first", "course": "testing", "lab": "clip"}
            said = {"asked": "her question", "answered": "an answer"}
            connection.execute(insert(prompts).values(call=name, username="ana", at=at, **said))
            report = {**place, **said, "id": name, "model": "m", "reason": "wrong", "at": at}
            connection.execute(insert(reports).values(**report))
            call = {**place, "id": name, "kind": "score", "model": "m", "outcome": "complete", "prompt_tokens": 3}
            cost = {"answer_tokens": 0, "charged": 3, "seconds": 0.1, "waited": 0.0, "digest": "d"}
            connection.execute(insert(calls).values(**call, **cost, opened_at=at, closed_at=at))
        for name in ("ana", "ben"):
            connection.execute(insert(submissions).values(**work(name, LONG)))
            score = {"submission": f"work-{name}", "score": 2.0, "max": 5.0, "report": REPORT, "graded_at": LONG}
            connection.execute(insert(scores).values(**score))
        connection.execute(update(cohorts).where(cohorts.c.name == "first").values(ends_at=LONG))
    yield engine


def run(engine: Engine) -> Done:
    return apply(engine, NOW, Periods(), lambda name: erase(engine, name, ()), lambda: None)


def keys(engine: Engine, column) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(column)).scalars())


def test_a_dry_run_counts_and_changes_nothing(kept: Engine):
    found = {one.rule: one.count for one in plan(kept, NOW, Periods())}
    once = dict.fromkeys(("attempts", "links", "looks", "applicants", "submissions", "prompts", "reports", "calls"), 1)
    assert found == {**once, "suspended": 0}
    oldest = {one.rule: one.oldest for one in plan(kept, NOW, Periods())}
    assert oldest["looks"] == oldest["attempts"] == oldest["submissions"] == LONG
    assert oldest["suspended"] is None
    assert len(keys(kept, looks.c.id)) == 2


def test_the_old_goes_and_the_new_stays(kept: Engine):
    assert run(kept).counts["links"] == 1
    assert keys(kept, sign_in_links.c.digest) == keys(kept, attempts.c.key) == keys(kept, looks.c.id) == {"new"}
    assert keys(kept, applicants.c.id) == {"new"}
    assert keys(kept, prompts.c.call) == keys(kept, reports.c.id) == keys(kept, calls.c.id) == {"new"}
    assert keys(kept, invitations.c.id) == {"old", "new"}
    assert all(one.count == 0 for one in plan(kept, NOW, Periods()))


def test_work_of_a_cohort_that_ended_long_ago_loses_its_words_and_keeps_its_points(kept: Engine):
    run(kept)
    with kept.connect() as connection:
        rows = {row.username: row for row in connection.execute(select(submissions))}
        reports = {row.submission: row for row in connection.execute(select(scores))}
    assert rows["ana"].files == {}
    assert rows["ben"].files == {"clip.ipynb": "ben" * 5}  # his cohort has no end
    assert reports["work-ana"].report["notes"] == []
    assert reports["work-ana"].score == 2.0
    assert reports["work-ben"].report == REPORT


def test_who_took_part_in_nothing_for_long_is_erased_and_an_office_is_told(kept: Engine):
    with kept.begin() as connection:
        gone = people.c.username.in_(("ana", "maria"))
        connection.execute(update(people).where(gone).values(suspended_at=LONG))
    assert {one.rule: one.count for one in plan(kept, NOW, Periods())}["suspended"] == 2
    done = run(kept)
    assert done.counts["suspended"] == 1
    assert [name for name, _ in done.refused] == ["maria"]
    assert "ana" not in keys(kept, people.c.username)
    again = run(kept)
    assert again.counts["suspended"] == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [("", Periods()), ("looks=30", Periods(looks=30)), (" links = 1 , looks=2,", Periods(links=1, looks=2))],
)
def test_periods_are_read(text: str, found: Periods):
    assert Periods.of(text) == found


@pytest.mark.parametrize(
    "text", ["look=30", "looks", "looks=", "looks=0", "looks=-3", "looks=1e3", "looks=²", "30", "looks=99999999"]
)
def test_a_period_that_makes_no_sense_is_refused_by_name(text: str):
    with pytest.raises(ValueError, match=r"look|30"):
        Periods.of(text)
