"""A submissions store on each kind of database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from labkit.database import connect
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.store import Store


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "secrets" / "receipts.pem")


@pytest.fixture
def store(engine: Engine, signer: Signer, tmp_path: Path) -> Store:
    return Store(engine, Blobs(tmp_path / "blobs"), signer)
