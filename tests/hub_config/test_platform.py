"""The hub's configuration, on a plain traitlets Config with no hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from traitlets.config import Config

from hub_config import platform, processes, roles, services
from hub_config.settings import Settings
from hub_config.state import State
from labkit.database import connect, migrate
from labkit.gateway.backends import open_backend
from labkit.programme.people import Membership, Person, provision

MARIA, ANA = (Person(name, f"{name}@example.org", name, "X") for name in ("maria", "ana"))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LABKIT_{name.upper()}", raising=False)
    return Settings(home=tmp_path, teach="prompting, testing", port=8123)


@pytest.fixture
def config(settings: Settings) -> Config:
    migrate(settings.database_url)
    engine = connect(settings.database_url)
    members = [Membership("maria", "first", "testing", "instructor"), Membership("ana", "first", "testing", "learner")]
    provision(engine, (MARIA, ANA), members)
    engine.dispose()
    State(settings.home).choose_ports(processes.ports(settings))
    c = Config()
    platform.configure(c, settings)
    return c


def test_nobody_is_an_administrator(config: Config):
    granted = [scope for role in config.JupyterHub.load_roles for scope in role["scopes"]]
    assert not [scope for scope in granted if scope.startswith("admin")]
    assert "admin_users" not in config.Authenticator


def test_only_a_courses_instructors_may_open_its_formgrader(config: Config):
    # Nobody yet: who teaches what is carried there while the hub runs (`follower`).
    assert config.JupyterHub.load_groups == {f"instructors-{one}": {"users": []} for one in ("prompting", "testing")}
    allowed = [role["groups"] for role in config.JupyterHub.load_roles if role["name"] == "formgrader-testing"]
    assert allowed == [["instructors-testing"]]
    user = next(role for role in config.JupyterHub.load_roles if role["name"] == "user")
    assert not [scope for scope in user["scopes"] if "formgrader" in scope]


def test_every_service_has_a_token_of_its_own(config: Config):
    tokens = [service["api_token"] for service in config.JupyterHub.services]
    assert len(set(tokens)) == len(tokens) == 5
    assert all(len(token) == 64 for token in tokens)


def test_only_the_platforms_own_pages_skip_the_authorize_page(config: Config):
    skipping = {service["name"] for service in config.JupyterHub.services if service.get("oauth_no_confirm")}
    assert skipping == {"labkit", "formgrader-prompting", "formgrader-testing"}


def test_the_hub_listens_on_loopback_behind_the_proxy(config: Config):
    assert config.JupyterHub.bind_url == "http://127.0.0.1:8123"
    assert config.JupyterHub.hub_bind_url.startswith("http://127.0.0.1:")
    assert config.ConfigurableHTTPProxy.should_start is False
    assert config.JupyterHub.default_url == services.PAGES_PREFIX


def test_the_pages_may_change_the_groups_of_the_courses_and_no_others():
    (pages,) = (role for role in roles.roles(("testing",)) if role["name"] == "pages")
    assert [scope for scope in pages["scopes"] if "groups" in scope] == ["groups!group=instructors-testing"]


class TestProcesses:
    def test_no_secret_is_on_a_command_line(self, settings: Settings):
        state = State(settings.home)
        found = processes.processes(settings, state)
        secrets = [path.read_text() for path in (settings.home / "secrets").iterdir()]
        assert secrets
        for process in found:
            assert not [word for word in process.argv for secret in secrets if secret in word]

    def test_one_formgrader_runs_for_each_course(self, settings: Settings):
        names = [process.name for process in processes.processes(settings, State(settings.home))]
        assert {"formgrader-prompting", "formgrader-testing"} <= set(names)
        assert len(set(names)) == len(names)

    def test_the_gateway_has_everything_the_model_process_serves_behind_it_and_its_chat_model_grades(
        self, settings: Settings
    ):
        gateway = next(one for one in processes.processes(settings, State(settings.home)) if one.name == "gateway")
        backends = [open_backend(one) for one in json.loads(Path(gateway.argv[-1]).read_text())["backends"]]
        engines = [sorted(one.lanes) for one in backends]
        assert engines == [["llama", "scorer"], ["audio/transcriptions", "embeddings", "ocr"], ["adapters"]]

    def test_how_much_of_learners_adapters_stays_in_memory_is_set_where_training_is(self, settings: Settings, tmp_path):
        (tmp_path / "serving.toml").write_text("training = {adapters_mb = 96}")
        told = settings.model_copy(update={"serving": tmp_path / "serving.toml"})
        adapters = next(one for one in processes.processes(told, State(told.home)) if one.name == "adapters")
        assert json.loads(Path(adapters.argv[-1]).read_text())["adapters_mb"] == 96

    def test_a_process_inherits_the_settings_and_little_else(self, settings: Settings, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        monkeypatch.setenv("LABKIT_HOME", str(settings.home))
        process = processes.processes(settings, State(settings.home))[0]
        environment = processes.clean_environment(process)
        assert "AWS_SECRET_ACCESS_KEY" not in environment
        assert environment["LABKIT_HOME"] == str(settings.home)

    def test_what_a_percent_sign_or_a_quote_means_to_supervisor_is_taken_from_it(self):
        from hub_config.supervision import _quoted

        assert _quoted('a%b"c\\') == '"a%%b\\"c\\\\"'
