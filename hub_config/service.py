"""`labkit service install` and `labkit service remove`: the platform starts with the machine, under systemd.

The unit hardens what can be hardened around a platform that makes sandboxes itself. Left out on purpose, since each
would keep bubblewrap from making a /proc or a namespace of its own: ProtectProc, ProtectKernelTunables,
ProtectKernelLogs, ProtectControlGroups, ProtectHostname, PrivateDevices, PrivateUsers, RestrictNamespaces and
SystemCallFilter. What a learner's code may do is bubblewrap's to hold, not the unit's.
"""

from __future__ import annotations

import argparse
import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hub_config.settings import Settings, read
from labkit import durable
from labkit.errors import OperatorError

_NAME = "labkit.service"
# Longer than the supervisor takes to end everything politely and then at once.
_STOP_SECONDS = 20
_HARDENING = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
"""
# These need mounts of their own, which a user's manager may not be allowed to make.
_HARDENING_OF_THE_SYSTEM = """\
ProtectSystem=full
ProtectKernelModules=yes
"""


@dataclass(frozen=True)
class Places:
    """Where the unit and its settings lie: the system's or, with `user`, the account's own; below `root`."""

    root: Path
    user: bool

    @property
    def unit(self) -> Path:
        return self._below("systemd/user" if self.user else "systemd/system") / _NAME

    @property
    def environment(self) -> Path:
        return self._below("labkit") / "labkit.env"

    def _below(self, name: str) -> Path:
        base = Path.home() / ".config" if self.user else Path("/etc")
        return self.root / base.relative_to("/") / name

    def inside(self, path: Path) -> Path:
        """How the machine will call it that has `root` as its /."""
        return Path("/") / path.relative_to(self.root)


def install(argv: list[str]) -> int:
    """Starts the platform at boot, with the settings of this moment."""
    arguments = _arguments("install", install.__doc__, argv)
    places, settings = Places(arguments.root.absolute(), arguments.user), read()
    unit, environment = _unit(settings, places), _environment(settings)
    if arguments.dry_run:
        names = [line.partition("=")[0] for line in environment.splitlines()]
        print(f"# {places.unit}\n{unit}\n# {places.environment}, readable by its owner only: {', '.join(names)}")
        return 0
    _refuse_strangers(places)
    try:
        for path in (places.environment, places.unit):
            durable.make_folder(path.parent, 0o755)
        durable.write(places.environment, environment.encode(), 0o600)
        durable.write(places.unit, unit.encode(), 0o644)
    except OSError as error:
        raise OperatorError(f"{error.filename} cannot be written.", instead="Try as root, or with --user.") from error
    print(f"Wrote {places.unit} and {places.environment}.")
    _tell_systemd(places, ["daemon-reload"], ["enable", _NAME])
    control = "systemctl --user" if places.user else "systemctl"
    print(f"It starts with the machine. Start it now, once no other `labkit up` runs: {control} start labkit")
    if places.user:
        print("So that it runs while you are not signed in: loginctl enable-linger")
    return 0


def remove(argv: list[str]) -> int:
    """Ends the service and takes the unit and its settings away; LABKIT_HOME stays."""
    arguments = _arguments("remove", remove.__doc__, argv)
    places = Places(arguments.root.absolute(), arguments.user)
    if not places.unit.exists():
        raise OperatorError(f"There is no {places.unit}.", instead="Was it installed with --user, or without?")
    if arguments.dry_run:
        print(f"Would end the service and delete {places.unit} and {places.environment}.")
        return 0
    _refuse_strangers(places)
    _tell_systemd(places, ["disable", "--now", _NAME])
    for path in (places.unit, places.environment):
        path.unlink(missing_ok=True)
    _tell_systemd(places, ["daemon-reload"])
    print(f"Deleted {places.unit} and {places.environment}.")
    return 0


def _arguments(verb: str, about: str | None, argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"labkit service {verb}", description=about, allow_abbrev=False)
    parser.add_argument("--user", action="store_true", help="a service of this account instead of the machine")
    parser.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="a machine's files below DIR")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    return parser.parse_args(argv)


def _unit(settings: Settings, places: Places) -> str:
    account = "" if places.user else f"User={_owner(settings)}\n"
    return f"""\
[Unit]
Description=labkit, graded notebook courses
Wants=network-online.target
After=network-online.target postgresql.service
# It is tried again for as long as it takes.
StartLimitIntervalSec=0

[Service]
Type=exec
{account}EnvironmentFile={_escaped(str(places.inside(places.environment)))}
ExecStart={_quoted(str(Path(sys.executable).parent / "labkit"))} up
Restart=always
RestartSec=5
# The platform ends its processes itself; what is left after that is killed.
KillMode=mixed
TimeoutStopSec={_STOP_SECONDS}
# A learner who takes too much memory is ended alone.
OOMPolicy=continue
LimitNOFILE=65536
TasksMax=infinity
{_HARDENING}{"" if places.user else _HARDENING_OF_THE_SYSTEM}
[Install]
WantedBy={"default.target" if places.user else "multi-user.target"}
"""


def _environment(settings: Settings) -> str:
    """The settings that were given, and LABKIT_HOME in any case: its default depends on where one stands."""
    given = {name: getattr(settings, name) for name in sorted({*settings.model_fields_set, "home"})}
    return "".join(f"LABKIT_{name.upper()}={_quoted_value(str(value))}\n" for name, value in given.items())


def _owner(settings: Settings) -> str:
    """Whoever owns LABKIT_HOME, or would."""
    uid = settings.home.stat().st_uid if settings.home.exists() else os.geteuid()
    return pwd.getpwuid(uid).pw_name


def _refuse_strangers(places: Places) -> None:
    if not places.user and places.root == Path("/") and os.geteuid() != 0:
        raise OperatorError("Only root writes services of the machine.", instead="Try with sudo, or with --user.")


def _tell_systemd(places: Places, *orders: list[str]) -> None:
    """Where systemd runs it hears of it; elsewhere it is said what to run."""
    control = ["systemctl", *(["--user"] if places.user else [])]
    here = places.root == Path("/") and Path("/run/systemd/system").is_dir()
    for order in orders:
        if not here:
            print(f"systemd does not run here. Where it does: {' '.join([*control, *order])}")
            continue
        done = subprocess.run([*control, *order], capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:]
            raise OperatorError(f"`{' '.join([*control, *order])}` failed: {' '.join(said)}", instead="Run it by hand.")


def _escaped(text: str) -> str:
    if "\n" in text:
        raise OperatorError(f"{text!r} has more than one line.", instead="Choose a name of one line.")
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """One word of a command line: systemd would expand % and $ and split at blanks."""
    return '"' + _escaped(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'


def _quoted_value(text: str) -> str:
    """A value in an environment file, where nothing is expanded."""
    if "\n" in text:
        raise OperatorError(f"{text!r} has more than one line.", instead="A setting is one line.")
    return '"' + "".join(f"\\{letter}" if letter in '"\\$`' else letter for letter in text) + '"'
