"""Secrets are changed whole, only while nothing runs, and a receipt outlives the key that signed it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hub_config import rotation
from hub_config.settings import Settings
from hub_config.state import DRAWS, State
from hub_config.supervision import Supervision
from labkit import durable
from labkit.database import connect, migrate
from labkit.errors import OperatorError
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.store import Store

NAMES = ("cookie", "proxy", "pages", "gateway-keys", "grading", "grader", "model", "service-labkit")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "state", teach="testing", database="")
    state = State(settings.home)
    for name in NAMES:
        state.secret_file(name)
    Signer(settings.home / "secrets" / "receipts.pem")
    return settings


def values(settings: Settings) -> dict[str, str]:
    return {path.name: path.read_text() for path in (settings.home / "secrets").iterdir()}


def labkit(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")}
    command = [str(Path(sys.executable).parent / "labkit"), "secrets", "rotate", *words]
    environment["LABKIT_HOME"] = str(settings.home)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_every_secret_is_new_and_the_receipts_key_is_not(settings: Settings):
    before = values(settings)
    done = labkit(settings)
    assert done.returncode == 0, done.stderr
    after = values(settings)
    assert before.keys() == after.keys()
    assert {name for name in after if after[name] == before[name]} == {"receipts.pem"}
    for name in NAMES:
        assert len(after[name]) == 64
        assert (settings.home / "secrets" / name).stat().st_mode & 0o777 == 0o600
    assert not any(value in done.stdout + done.stderr for value in (*before.values(), *after.values()))


def test_only_what_is_named_is_changed(settings: Settings):
    before = values(settings)
    assert rotation.change(settings, ["cookie", "grader", "cookie"]) == ["cookie", "grader"]
    assert {name for name, value in values(settings).items() if value != before[name]} == {"cookie", "grader"}


def test_which_hidden_items_people_have_changes_only_when_it_is_named(settings: Settings):
    State(settings.home).secret_file(DRAWS)
    before = values(settings)[DRAWS]
    assert DRAWS not in rotation.change(settings, [])
    assert values(settings)[DRAWS] == before
    assert rotation.change(settings, [DRAWS]) == [DRAWS]
    assert values(settings)[DRAWS] != before


@pytest.mark.parametrize("name", ["cokie", "../secrets/cookie", "receipts.pem", "", ".hidden"])
def test_a_name_that_is_none_changes_nothing(name: str, settings: Settings):
    (settings.home / "secrets" / ".hidden").write_text("half-written")
    before = values(settings)
    with pytest.raises(OperatorError, match="There are cookie"):
        rotation.change(settings, ["cookie", name])
    assert values(settings) == before


def test_while_the_platform_runs_it_is_refused(settings: Settings):
    running = Supervision(State(settings.home))
    running.claim()
    before = values(settings)
    refused = labkit(settings)
    assert refused.returncode == 1
    assert "already runs" in refused.stderr
    assert values(settings) == before
    running._lock.close()


def test_where_there_are_none_it_says_so(tmp_path: Path):
    refused = labkit(Settings(home=tmp_path / "nothing"))
    assert refused.returncode == 1
    assert "no secrets" in refused.stderr


def test_receipts_given_before_stay_the_same_and_stay_good(settings: Settings):
    migrate(settings.database_url)
    engine = connect(settings.database_url)
    try:
        key = settings.home / "secrets" / "receipts.pem"
        store = Store(engine, Blobs(settings.home / "blobs"), Signer(key))
        receipt, _ = store.receive("ana", "testing", "clip", {"clip.ipynb": b"{}"}, [])
        before = key.read_bytes()
        assert rotation.change(settings, ["receipts"]) == ["receipts"]
        assert key.read_bytes() != before
        again = Store(engine, Blobs(settings.home / "blobs"), Signer(key))
        assert again.receipt(again.get(receipt.id)) == receipt
        assert Signer(key).check(receipt)
        # Whoever copies the folder now cannot sign as the old key did.
        assert not any(before in path.read_bytes() for path in key.parent.iterdir())
    finally:
        engine.dispose()


def test_a_services_old_token_opens_the_hub_no_longer(settings: Settings):
    old = (settings.home / "secrets" / "service-labkit").read_text()
    with sqlite3.connect(settings.home / "hub.sqlite") as hub:
        hub.execute("CREATE TABLE api_tokens (id INTEGER, user_id INTEGER, service_id INTEGER, hashed TEXT)")
        hub.execute("INSERT INTO api_tokens VALUES (1, NULL, 7, ?)", (hashlib.sha512(old.encode()).hexdigest(),))
        hub.execute("INSERT INTO api_tokens VALUES (2, 3, NULL, 'a learner has it')")
    hub.close()
    rotation.change(settings, ["cookie"])
    assert ids(settings) == [1, 2]
    rotation.change(settings, ["service-labkit"])
    assert ids(settings) == [2]


def ids(settings: Settings) -> list[int]:
    hub = sqlite3.connect(settings.home / "hub.sqlite")
    found = [row[0] for row in hub.execute("SELECT id FROM api_tokens ORDER BY id")]
    hub.close()
    return found


def test_the_hub_keeps_its_tokens_in_that_table():
    """What the test above assumes of JupyterHub."""
    from jupyterhub.orm import APIToken

    assert APIToken.__tablename__ == "api_tokens"
    assert {"user_id", "service_id", "hashed"} <= set(APIToken.__table__.columns.keys())


def test_a_crash_in_between_leaves_each_secret_whole(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    before, write, written = values(settings), durable.write, []

    def dies(path: Path, content: bytes, mode: int = 0o644) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        write(path, content, mode)

    monkeypatch.setattr(durable, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        rotation.change(settings, [])
    after = values(settings)
    assert after.keys() == before.keys()
    assert sum(after[name] != before[name] for name in NAMES) == 3
    assert all(len(after[name]) == 64 for name in NAMES)
