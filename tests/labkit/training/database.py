"""A database of its own for each test, on SQLite: copied from one that was made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from labkit.database import connect, migrate


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with our tables, made once."""
    path = tmp_path_factory.mktemp("database") / "labkit.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def engine(empty: Path, tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{shutil.copy(empty, tmp_path / 'labkit.db')}")
    yield engine
    engine.dispose()
