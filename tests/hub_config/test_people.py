"""`labkit people link`: the operator's way to a sign-in link."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub_config.people import link
from labkit.database import connect, migrate
from labkit.errors import OperatorError
from labkit.programme import links
from labkit.programme.people import Person, provision


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "state"
    home.mkdir()
    monkeypatch.setenv("LABKIT_HOME", str(home))
    monkeypatch.setenv("LABKIT_PORT", "8123")
    return home


@pytest.fixture
def engine(home: Path):
    url = f"sqlite:///{home / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)
    provision(engine, [Person("jose", "jose@example.org", "José", "Santos", officer=True)], [])
    yield engine
    engine.dispose()


def test_it_prints_a_link_that_signs_in_an_officer_too(engine, capsys: pytest.CaptureFixture[str]):
    assert link(["jose"]) == 0
    address, _, token = capsys.readouterr().out.strip().rpartition("/")
    assert address == "http://localhost:8123/hub/link"
    assert links.history(engine, "jose")[0].issued_by is None
    assert links.redeem(engine, token) == "jose"


def test_a_misspelt_name_is_answered_with_the_nearest(engine):
    with pytest.raises(OperatorError, match="Did you mean jose"):
        link(["josé"])
    with pytest.raises(OperatorError, match="Nobody is called 'zzz'"):
        link(["zzz"])


def test_where_there_is_no_platform_none_is_made(home: Path):
    with pytest.raises(OperatorError, match="There is no platform at"):
        link(["jose"])
    assert list(home.iterdir()) == []


def test_a_database_without_our_tables_is_said_in_words(home: Path):
    connect(f"sqlite:///{home / 'labkit.sqlite'}").connect().close()
    with pytest.raises(OperatorError, match="of another version"):
        link(["jose"])
