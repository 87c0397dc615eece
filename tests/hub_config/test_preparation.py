"""What is there before the first process starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub_config import demonstration
from hub_config.preparation import check_machine, sign_in_links
from hub_config.settings import Settings
from labkit.courses import load_course
from labkit.database import connect, migrate
from labkit.errors import OperatorError
from labkit.programme.privacy.erase import erase


@pytest.fixture
def settings(tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABKIT_COURSES", str(pytestconfig.rootpath / "courses"))
    (tmp_path / "home").mkdir()
    return Settings()


def test_whoever_of_the_demonstration_was_erased_gets_no_link_and_another_learner_gets_it(settings, pytestconfig):
    migrate(settings.database_url)
    engine = connect(settings.database_url)
    demonstration.create(engine, [load_course(pytestconfig.rootpath / "courses", "testing")])
    assert sign_in_links(settings).keys() == {"officer", "instructor", "learner"}
    for learner in demonstration.LEARNERS[:2]:
        erase(engine, learner.username, ())
    assert sign_in_links(settings).keys() == {"officer", "instructor", "learner"}
    erase(engine, demonstration.LEARNERS[2].username, ())
    engine.dispose()

    assert sign_in_links(settings).keys() == {"officer", "instructor"}


def test_a_mistake_in_what_serves_models_is_told_before_anything_is_made(settings, tmp_path, monkeypatch):
    (tmp_path / "serving.toml").write_text("[training]\nstep = 4\n")
    monkeypatch.setenv("LABKIT_SERVING", str(tmp_path / "serving.toml"))

    with pytest.raises(OperatorError, match=r"serving\.toml.*'step'"):
        check_machine(Settings())
    assert not list((tmp_path / "home").iterdir())
