"""Ended sessions stay ended."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from labkit.database import connect
from labkit.programme import sessions
from labkit.programme.people import Person, provision

ANA = Person("ana", "ana@example.org", "Ana", "Cruz")
BEN = Person("ben", "ben@example.org", "Ben", "Reyes")


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    provision(engine, (ANA, BEN), ())
    yield engine
    engine.dispose()


def test_a_session_counts_until_it_is_ended(engine: Engine):
    began = datetime.now(UTC)
    assert sessions.holder(engine, "ana", began) == ANA
    sessions.end(engine, "ana")
    assert sessions.holder(engine, "ana", began) is None
    assert sessions.holder(engine, "ben", began) == BEN
    assert sessions.holder(engine, "ana", datetime.now(UTC) + timedelta(seconds=1)) == ANA


def test_importing_the_roster_again_revives_no_session(engine: Engine):
    began = datetime.now(UTC)
    sessions.end(engine, "ana")
    provision(engine, (ANA,), ())
    assert sessions.holder(engine, "ana", began) is None


def test_somebody_who_is_not_in_the_roster_has_no_session(engine: Engine):
    assert sessions.holder(engine, "nobody", datetime.now(UTC)) is None
