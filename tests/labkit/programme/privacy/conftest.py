"""Two learners of one course in two cohorts, with some work, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from labkit.database import connect
from labkit.programme.people import Membership, Person, provision

ANA = Person("ana", "Ana@example.org", "Ana", "Cruz", region="Bicol", sex="female", employer="DOST")
BEN = Person("ben", "ben@example.org", "Ben", "Reyes", region="Bicol")
JOSE = Person("jose", "jose@example.org", "José", "Santos", officer=True)
MARIA = Person("maria", "maria@example.org", "Maria", "Reyes")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    members = [Membership("ana", "first", "testing", "learner"), Membership("ben", "second", "testing", "learner")]
    provision(made, (ANA, BEN, JOSE, MARIA), [*members, Membership("maria", "first", "testing", "instructor")])
    yield made
    made.dispose()
