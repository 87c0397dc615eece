"""A course in the operator's folder, its workshop on each kind of database, and somebody of every role."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from labkit.courses import Course
from labkit.courses.new import new_lab
from labkit.database import connect
from labkit.programme.people import Membership, Person, provision
from labkit.workshop import Workshop

ROLES = {"ana": "learner", "tes": "assistant", "maria": "instructor", "nan": "instructor", "vic": "observer"}


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    people = [Person(name, f"{name}@example.org", name.title(), "X") for name in (*ROLES, "ora")]
    places = [Membership(name, "first", "writing", role) for name, role in ROLES.items()]
    provision(engine, people, [*places, Membership("ora", "other", "reading", "instructor")])
    yield engine
    engine.dispose()


@pytest.fixture
def course(tmp_path: Path) -> Course:
    lab = new_lab(tmp_path / "courses", "writing", "ratings", "Rate a service")
    (lab.path / "data").mkdir()
    (lab.path / "data/small.csv").write_bytes(b"a,b\r\n\xff\x00")
    from labkit.courses import load_course

    return load_course(tmp_path / "courses", "writing")


@pytest.fixture
def workshop(engine: Engine, tmp_path: Path) -> Workshop:
    return Workshop(engine, tmp_path / "workshop")
