"""`labkit people link` and `unbind`: the operator's way to a sign-in link, and to a new account at the provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub_config.people import link, unbind
from labkit.database import connect, migrate
from labkit.errors import OperatorError
from labkit.programme import groups, links
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


def test_an_account_at_the_provider_is_forgotten_so_that_another_can_take_its_place(engine, capsys):
    first = groups.Identity("https://id.example.org", "1", "jose@example.org", True)
    second = groups.Identity("https://id.example.org", "2", "jose@example.org", True)
    groups.apply(engine, first, [])
    assert groups.apply(engine, second, []) == groups.Refusal.TAKEN
    assert unbind(["jose"]) == 0
    assert capsys.readouterr().out == "Forgotten: 1 account of jose.\n"
    assert groups.apply(engine, second, []) != groups.Refusal.TAKEN
