"""Every knob of the platform, with its default. Nothing else reads LABKIT_* variables.

(The learner's client reads LABKIT_URL, which the spawner sets, and nothing else.)
"""

from __future__ import annotations

import difflib
import ipaddress
import os
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from labkit.errors import OperatorError

_PREFIX = "LABKIT_"
_PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Each field is one variable: `port` is LABKIT_PORT."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    port: int = Field(8000, ge=1, le=65535, description="the port of the address people open")
    address: str = Field("127.0.0.1", description="the address to listen on; only loopback until sign-in is hardened")
    home: Path = Field(Path(".labkit"), description="where everything that must be kept lives")
    courses: Path = Field(_PROJECT / "courses", description="the folder of courses to teach")
    teach: str = Field("prompting", description="which of them, by folder name, separated by commas")
    database: str = Field("", description="a database URL; empty means SQLite inside LABKIT_HOME")
    timezone: str = Field("Asia/Manila", description="whose midnight renews daily allowances")
    demo: bool = Field(True, description="create the demonstration cohort")
    memory_mb: int = Field(2048, ge=256, description="memory of one learner's server")

    @field_validator("address")
    @classmethod
    def _loopback(cls, value: str) -> str:
        if value != "localhost" and not ipaddress.ip_address(value).is_loopback:
            raise ValueError("only a loopback address is accepted; put nothing of this on a network yet")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone; write one such as Asia/Manila") from None
        return value

    @field_validator("home", "courses")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.home / 'labkit.sqlite'}"

    @property
    def taught(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.teach.split(",") if name.strip())

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"


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
        name = _PREFIX + str(first["loc"][0]).upper()
        found = f"{name}={os.environ.get(name, '')!r}"
        message = first["msg"].removeprefix("Value error, ")
        raise OperatorError(f"{found}: {message}.", instead="Correct it and start again.") from None
