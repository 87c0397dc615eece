"""What a careless operator is kept from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub_config.preparation import check_machine
from hub_config.settings import Settings, read
from labkit.errors import OperatorError

SITE = {"LABKIT_PUBLIC_URL": "https://labs.example.org"}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Reads the settings from a given environment; {cert} and {key} stand for files that are there."""
    for name in list(os.environ):
        if name.startswith("LABKIT_"):
            monkeypatch.delenv(name)
    for name in ("cert", "key"):
        (tmp_path / name).write_text("PEM")

    def _settings(**environment: str) -> Settings:
        monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
        for name, value in environment.items():
            monkeypatch.setenv(name, value.format(cert=tmp_path / "cert", key=tmp_path / "key"))
        return read()

    return _settings


TLS = {"LABKIT_TLS_CERT": "{cert}", "LABKIT_TLS_KEY": "{key}"}


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.5", "::", "10.1.2.3"])
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "would send passwords in the clear"),
        (SITE, "would send passwords in the clear"),
        ({"LABKIT_PUBLIC_URL": "http://labs.example.org"}, "would send passwords in the clear"),
        (TLS, "LABKIT_PUBLIC_URL is needed"),
        ({**TLS, "LABKIT_PUBLIC_URL": "http://labs.example.org"}, "must begin with https"),
        ({"LABKIT_TRUSTED_PROXY": "10.0.0.1"}, "LABKIT_PUBLIC_URL is needed"),
        ({"LABKIT_TRUSTED_PROXY": "10.0.0.1", "LABKIT_PUBLIC_URL": "http://x.org"}, "must begin with https"),
    ],
)
def test_an_address_others_reach_is_refused_without_tls_or_a_named_proxy(settings, address, more, said):
    with pytest.raises(OperatorError, match=said):
        settings(LABKIT_ADDRESS=address, **more)


@pytest.mark.parametrize("more", [{**TLS, **SITE}, {"LABKIT_TRUSTED_PROXY": "10.0.0.1, 10.0.0.2", **SITE}])
def test_with_either_it_is_taken_and_cookies_are_for_https_alone(settings, more):
    read = settings(LABKIT_ADDRESS="0.0.0.0", **more)

    assert read.secure
    assert read.hosts.user("ana").startswith("https://ana.labs.example.org/")


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.0.0.9"])
def test_ones_own_desk_needs_nothing(settings, address):
    assert not settings(LABKIT_ADDRESS=address).secure


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LABKIT_ADDRESS", "everywhere", "not an address"),
        ("LABKIT_PUBLIC_URL", "labs.example.org", "not an address of a site"),
        ("LABKIT_PUBLIC_URL", "https://labs.example.org/path", "not an address of a site"),
        ("LABKIT_PUBLIC_URL", "ftp://labs.example.org", "not an address of a site"),
        ("LABKIT_PUBLIC_URL", "https://10.0.0.1", "a bare number has no names"),
        ("LABKIT_TRUSTED_PROXY", "the-proxy", "is not an address"),
        ("LABKIT_TLS_CERT", "{cert}", "belong together"),
        ("LABKIT_SERVERS", "free", "sandboxed"),
        ("LABKIT_HOME_MB", "1", "64"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_words(settings, name, value, said):
    with pytest.raises(OperatorError, match=said):
        settings(**{name: value})


def test_a_certificate_that_cannot_be_read_is_refused(settings):
    with pytest.raises(OperatorError, match="cannot be read"):
        settings(**{**TLS, **SITE, "LABKIT_TLS_KEY": "/nowhere/key.pem"})


@pytest.mark.sandbox
def test_servers_without_walls_are_refused_as_root(settings):
    chosen = settings(LABKIT_SERVERS="unsandboxed", LABKIT_PORT="48231")
    if os.geteuid() == 0:
        with pytest.raises(OperatorError, match="as root"):
            check_machine(chosen)
    else:
        check_machine(chosen)


def test_the_setting_says_what_is_lost():
    said = Settings.model_fields["servers"].description or ""
    assert "secrets" in said and "every file" in said and "every address" in said


def test_every_path_is_absolute_also_one_nobody_set(monkeypatch, tmp_path):
    """Processes start in other folders: a relative path would be another one there."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LABKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LABKIT_DATABASE", "sqlite:///here.sqlite")
    found = read()

    assert found.home == tmp_path / ".labkit"
    assert found.database_url == f"sqlite:///{tmp_path / 'here.sqlite'}"
    assert all(value.removeprefix("sqlite:///").startswith("/") for value in found.environment().values())
    assert found.environment()["LABKIT_HOME"] == str(tmp_path / ".labkit")


WHOLE = {
    "LABKIT_OIDC_ISSUER": "https://id.example.org/realms/labs",
    "LABKIT_OIDC_CLIENT_ID": "labkit",
    "LABKIT_OIDC_SECRET_FILE": "{key}",
}


class TestTheProvider:
    @pytest.fixture(autouse=True)
    def _private(self, settings, tmp_path: Path):
        (tmp_path / "key").chmod(0o600)

    def test_three_settings_are_enough(self, settings):
        found = settings(**WHOLE)

        assert (found.oidc_called, found.oidc_refresh_minutes, found.oidc_only) == ("id.example.org", 5, False)
        assert settings(**WHOLE, LABKIT_OIDC_NAME="TESDA ID").oidc_called == "TESDA ID"

    @pytest.mark.parametrize("left_out", ["LABKIT_OIDC_CLIENT_ID", "LABKIT_OIDC_SECRET_FILE"])
    def test_half_a_provider_is_refused(self, settings, left_out: str):
        with pytest.raises(OperatorError, match=f"needs {left_out}"):
            settings(**{name: value for name, value in WHOLE.items() if name != left_out})

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"LABKIT_OIDC_ISSUER": ""}, "says nothing without LABKIT_OIDC_ISSUER"),
            ({"LABKIT_OIDC_ISSUER": "id.example.org"}, "not an issuer"),
            ({"LABKIT_OIDC_ISSUER": "http://id.example.org"}, "not an issuer"),
            ({"LABKIT_OIDC_ISSUER": "https://id.example.org/.well-known/openid-configuration"}, "leave out"),
            ({"LABKIT_OIDC_ISSUER": "https://id.example.org?a=b"}, "leave out"),
            ({"LABKIT_OIDC_SECRET_FILE": "/nowhere/secret"}, "cannot be read"),
            ({"LABKIT_OIDC_SECRET_FILE": "{cert}"}, "everybody on this machine"),
            ({"LABKIT_OIDC_SCOPES": "email profile"}, "must have openid"),
            ({"LABKIT_OIDC_GROUPS_CLAIM": " "}, "is empty"),
            ({"LABKIT_OIDC_REFRESH_MINUTES": "0"}, "greater than 0"),
            ({"LABKIT_OIDC_REFRESH_MINUTES": "never"}, "number"),
            ({"LABKIT_OIDC_ONLY": "perhaps"}, "boolean"),
            ({"LABKIT_OIDC_SECRET": "x"}, "There is no setting"),
        ],
    )
    def test_what_makes_no_sense_is_refused_in_words(self, settings, change: dict[str, str], said: str):
        with pytest.raises(OperatorError, match=said):
            settings(**{**WHOLE, **change})

    def test_no_password_form_without_a_provider_is_refused(self, settings):
        with pytest.raises(OperatorError, match="LABKIT_OIDC_ONLY says nothing without LABKIT_OIDC_ISSUER"):
            settings(LABKIT_OIDC_ONLY="true")
