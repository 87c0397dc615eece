"""Every knob of the platform, with its default. Nothing else reads LABKIT_* variables.

(The learner's client reads LABKIT_URL, which the spawner sets, and nothing else.)
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub_config.hosts import Hosts
from labkit.audit.prices import read_prices
from labkit.errors import OperatorError
from labkit.programme.privacy.retention import Periods

_PREFIX = "LABKIT_"
# What LABKIT_SERVERS=unsandboxed gives up.
UNSANDBOXED = (
    "every learner's notebook runs as this very account: it can read every file of it (secrets and others' work "
    "included), reach every address it can, end every process of it, and fill the disk"
)
_PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Each field is one variable: `port` is LABKIT_PORT."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True, validate_default=True)

    port: int = Field(8000, ge=1, le=65535, description="the port of the address people open")
    address: str = Field(
        "127.0.0.1", description="the address to listen on; another than loopback needs TLS or a proxy"
    )
    public_url: str = Field("", description="the address people type; every learner's server is on a name below it")
    tls_cert: Path | None = Field(None, description="certificate chain (PEM) for the public name and *.name")
    tls_key: Path | None = Field(None, description="its private key (PEM)")
    trusted_proxy: str = Field("", description="addresses of the proxies that hold TLS before us, by commas")
    home: Path = Field(Path(".labkit"), description="where everything that must be kept lives")
    courses: Path = Field(_PROJECT / "courses", description="the folder of courses to teach")
    overlay: Path | None = Field(None, description="hidden files and calibrations kept out of the folder of courses")
    teach: str = Field("prompting", description="which of them, by folder name, separated by commas")
    database: str = Field("", description="a database URL; empty means SQLite inside LABKIT_HOME")
    timezone: str = Field("Asia/Manila", description="whose midnight renews daily allowances")
    demo: bool = Field(True, description="create the demonstration cohort")
    memory_mb: int = Field(2048, ge=256, description="memory of one learner's server with its kernels")
    home_mb: int = Field(2048, ge=64, description="disk space of one learner's home")
    graders: int = Field(2, ge=1, le=64, description="how many submissions are graded at once")
    scorers: int = Field(1, ge=1, le=64, description="how many scoring calls the model computes at once")
    servers: Literal["sandboxed", "unsandboxed"] = Field("sandboxed", description=UNSANDBOXED)

    oidc_issuer: str = Field("", description="the OpenID provider people sign in at, as its discovery document says")
    oidc_client_id: str = Field("", description="what the provider calls us")
    oidc_secret_file: Path | None = Field(None, description="a file with the client's secret that only we can read")
    oidc_name: str = Field("", description="what people call the provider; its host if not set")
    oidc_scopes: str = Field("openid email profile", description="what we ask for, separated by spaces")
    oidc_groups_claim: str = Field("groups", description="the claim that has her groups; a.b for b inside a")
    oidc_trust_addresses: bool = Field(False, description="believe addresses of which the provider says nothing")
    oidc_only: bool = Field(False, description="no password form; links still work")
    oidc_refresh_minutes: float = Field(5, gt=0, le=1440, description="how often the provider is asked again")
    prices: Path | None = Field(None, description="what models cost: a TOML file, see docs/models-in-use.md")
    serving: Path | None = Field(None, description="which models are served and how: a TOML file, see docs/gateway.md")
    retention: str = Field("", description="days things are kept where the defaults do not fit: looks=365,links=30")
    privacy_contact: str = Field("", max_length=200, description="whom people ask about their data: a name and address")

    @field_validator("retention")
    @classmethod
    def _known_periods(cls, value: str) -> str:
        Periods.of(value)
        return value

    @field_validator("address")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if value == "localhost":
            return "127.0.0.1"
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            raise ValueError("not an address; write one such as 127.0.0.1 or 0.0.0.0") from None

    @field_validator("trusted_proxy")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for one in filter(None, (part.strip() for part in value.split(","))):
            try:
                ipaddress.ip_address(one)
            except ValueError:
                raise ValueError(f"{one} is not an address") from None
        return value

    @field_validator("public_url")
    @classmethod
    def _an_origin(cls, value: str) -> str:
        parts = urlsplit(value.rstrip("/"))
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query):
            raise ValueError("not an address of a site; write one such as https://labs.example.org")
        if value and re.fullmatch(r"[\d.]+|.*:.*", parts.hostname or ""):
            raise ValueError("a bare number has no names below it for learners' servers; write a name")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _safe_on_a_network(self) -> Self:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("LABKIT_TLS_CERT and LABKIT_TLS_KEY belong together; set both or neither")
        for path in filter(None, (self.tls_cert, self.tls_key)):
            if not path.is_file() or not os.access(path, os.R_OK):
                raise ValueError(f"{path} cannot be read; name a PEM file this account can read")
        if self.trusted_proxy and self.tls_cert:
            raise ValueError("LABKIT_TRUSTED_PROXY holds TLS itself; leave LABKIT_TLS_CERT out, or the proxy")
        loopback = ipaddress.ip_address(self.address).is_loopback
        if not loopback and not (self.tls_cert or self.trusted_proxy):
            raise ValueError(
                f"LABKIT_ADDRESS={self.address} would send passwords in the clear; set LABKIT_TLS_CERT and "
                "LABKIT_TLS_KEY, or LABKIT_TRUSTED_PROXY to the address of the proxy that holds TLS"
            )
        if not loopback and not self.public_url:
            raise ValueError("LABKIT_PUBLIC_URL is needed where others reach us, such as https://labs.example.org")
        if (self.tls_cert or self.trusted_proxy) and not self.url.startswith("https://"):
            raise ValueError(f"LABKIT_PUBLIC_URL={self.url} must begin with https:// where there is TLS")
        return self

    @field_validator("oidc_issuer")
    @classmethod
    def _an_issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        near = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if value and ((parts.scheme != "https" and not (near and parts.scheme == "http")) or not parts.hostname):
            raise ValueError("not an issuer; write one such as https://id.example.org/realms/labs")
        if parts.query or parts.fragment or "/.well-known/" in value or len(value) > 200:
            raise ValueError("not an issuer; leave out what stands from /.well-known/ on, and any ? or #")
        return value

    @model_validator(mode="after")
    def _a_whole_provider(self) -> Self:
        needed = {"oidc_client_id": self.oidc_client_id, "oidc_secret_file": self.oidc_secret_file}
        if not self.oidc_issuer:
            if set_ := sorted(
                name for name in self.model_fields_set if name.startswith("oidc_") and getattr(self, name)
            ):
                raise ValueError(f"{_PREFIX}{set_[0].upper()} says nothing without LABKIT_OIDC_ISSUER; set both")
            return self
        if missing := [_PREFIX + name.upper() for name, value in needed.items() if not value]:
            raise ValueError(f"LABKIT_OIDC_ISSUER needs {' and '.join(missing)} too")
        if "openid" not in self.oidc_scopes.split():
            raise ValueError("LABKIT_OIDC_SCOPES must have openid; without it there is no word of who somebody is")
        if not self.oidc_groups_claim.strip():
            raise ValueError("LABKIT_OIDC_GROUPS_CLAIM is empty; name the claim that has her groups")
        _private(self.oidc_secret_file)
        return self

    @model_validator(mode="after")
    def _readable_prices(self) -> Self:
        read_prices(self.prices)  # names file and line itself
        return self

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone; write one such as Asia/Manila") from None
        return value

    @field_validator("home", "courses", "tls_cert", "tls_key", "oidc_secret_file", "prices")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value else None

    def environment(self) -> dict[str, str]:
        """The variables that name paths, absolute: for processes that start in another folder."""
        files = ("home", "courses", "tls_cert", "tls_key", "oidc_secret_file", "prices")
        paths = {name: getattr(self, name) for name in files}
        paths["database"] = self.database or None
        return {_PREFIX + name.upper(): str(path) for name, path in paths.items() if path is not None}

    @field_validator("database")
    @classmethod
    def _file_is_absolute(cls, value: str) -> str:
        name = value.removeprefix("sqlite:///")
        return f"sqlite:///{Path(name).expanduser().resolve()}" if value != name and name else value

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.home / 'labkit.sqlite'}"

    @property
    def taught(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.teach.split(",") if name.strip())

    @property
    def periods(self) -> Periods:
        """How long what is kept."""
        return Periods.of(self.retention)

    @property
    def url(self) -> str:
        """The address people type."""
        return self.public_url or f"{'https' if self.tls_cert else 'http'}://localhost:{self.port}"

    @property
    def oidc_called(self) -> str:
        return self.oidc_name.strip() or urlsplit(self.oidc_issuer).hostname or ""

    @property
    def hosts(self) -> Hosts:
        return Hosts.of(self.url)

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by https."""
        return self.url.startswith("https://")

    @property
    def proxies(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.trusted_proxy.split(",") if part.strip())


def _private(file: Path | None) -> None:
    if file is None or not file.is_file() or not os.access(file, os.R_OK) or not file.read_text().strip():
        raise ValueError(f"{file} cannot be read or is empty; name a file that has the provider's secret for us")
    if file.stat().st_mode & 0o007:
        raise ValueError(f"{file} can be read by everybody on this machine; say chmod 600 {file}")


def read() -> Settings:
    """The settings of this process. Raises OperatorError naming a variable that is misspelt or wrong."""
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            instead = f"Did you mean {near[0]}?" if near else f"The variables are {', '.join(sorted(known))}."
            raise OperatorError(f"There is no setting {name}.", instead=instead)
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        if first["loc"]:
            name = _PREFIX + str(first["loc"][0]).upper()
            message = f"{name}={os.environ.get(name, '')!r}: {message}"
        raise OperatorError(f"{message}.", instead="Correct it and start again.") from None
