"""`labkit secrets rotate [NAME...]`: new random values in place of the ones that may be known to somebody.

Every process reads its secrets at its start, so the platform must not run. Each file is changed whole or not at all,
and no secret needs another to be changed with it: one that was not reached is simply still the old one.

What a change does: `cookie` and `pages` sign everybody out, `auth-state` those who are here by a provider's groups;
`gateway-keys` ends the keys of the last hour, `service-*` also takes the old token out of the hub's tables. `receipts`
is changed only when it is named: receipts that were given stay as they are and stay good (labkit.submissions.receipt).
So is `draws`: with another, everybody is graded on other hidden items from then on, also where work is graded again.
Database passwords and TLS keys are not ours to change.
"""

from __future__ import annotations

import argparse
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from hub_config.settings import Settings, read
from hub_config.state import DRAWS, State
from hub_config.supervision import Supervision
from labkit import durable
from labkit.database import connect, migrate
from labkit.errors import OperatorError
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.store import Store

RECEIPTS = "receipts"
_KEY_FILE = f"{RECEIPTS}.pem"


def rotate(argv: list[str]) -> int:
    """Gives secrets new values; without NAME all but `receipts` and `draws`. Stop the platform first."""
    parser = argparse.ArgumentParser(prog="labkit secrets rotate", description=rotate.__doc__, allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as cookie, gateway-keys, receipts")
    names = parser.parse_args(argv).names
    settings = read()
    if not (settings.home / "secrets").is_dir():
        raise OperatorError(f"There are no secrets in {settings.home}.", instead="Start the platform once: labkit up")
    Supervision(State(settings.home)).claim()
    changed = change(settings, names)
    print(f"New: {', '.join(changed)}. Everybody whose session or key they held signs in again. Start with: labkit up")
    if RECEIPTS in changed:
        print("Earlier receipts stay good; the old key's public half is kept beside the new one.")
    return 0


def change(settings: Settings, names: Sequence[str]) -> list[str]:
    """Changes the secrets named, or all but the receipts' key and the draws'; gives which.

    Raises OperatorError for a name that is none, before anything is changed.
    """
    folder = settings.home / "secrets"
    known = sorted(path.name for path in folder.iterdir() if _is_random(path))
    chosen = list(dict.fromkeys(names)) or [name for name in known if name != DRAWS]
    if unknown := [name for name in chosen if name not in (*known, RECEIPTS)]:
        raise OperatorError(
            f"There is no secret {unknown[0]!r}.", instead=f"There are {', '.join([*known, RECEIPTS])}."
        )
    if RECEIPTS in chosen:
        _change_receipts(settings, folder / _KEY_FILE)
    for name in chosen:
        if name != RECEIPTS:
            durable.write(folder / name, secrets.token_hex(32).encode(), 0o600)
    if any(name.startswith("service-") for name in chosen):
        _forget_services(settings.home / "hub.sqlite")
    return chosen


def _is_random(path: Path) -> bool:
    """Not the receipts' files, and not what a crash left half-written."""
    return path.is_file() and not path.name.startswith((".", RECEIPTS))


def _change_receipts(settings: Settings, file: Path) -> None:
    migrate(settings.database_url)
    engine = connect(settings.database_url)
    try:
        signer = Signer(file)
        Store(engine, Blobs(settings.home / "blobs"), signer).keep_signatures()
        signer.rotate(datetime.now(UTC))
    finally:
        engine.dispose()


def _forget_services(hub: Path) -> None:
    """The hub remembers every token a service ever had; it learns the new ones at its next start."""
    if hub.exists() and hub.stat().st_size:
        with closing(sqlite3.connect(hub)) as database, database:
            database.execute("DELETE FROM api_tokens WHERE service_id IS NOT NULL")
