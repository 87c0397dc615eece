"""`labkit privacy export|erase|retention`: what the pages offer, from the command line, for anybody."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from hub_config.database import opened
from hub_config.holdings import holdings
from hub_config.settings import Settings, read
from hub_config.state import State
from labkit.errors import OperatorError
from labkit.programme.privacy import looks
from labkit.programme.privacy import retention as rules
from labkit.programme.privacy.erase import Objection, Refused, objection, resume
from labkit.programme.privacy.erase import erase as erase_person
from labkit.programme.privacy.export import export as export_person
from labkit.submissions.blobs import Blobs
from labkit.submissions.unused import clear


def export(argv: list[str]) -> int:
    """Writes everything that is kept of USERNAME into a zip; she sees on her account page that it was made."""
    parser = argparse.ArgumentParser(prog="labkit privacy export", description=export.__doc__, allow_abbrev=False)
    parser.add_argument("username", help="as it is in the roster")
    parser.add_argument("--out", metavar="FILE.zip", type=Path, required=True, help="readable by you alone, keep it so")
    arguments = parser.parse_args(argv)
    out = arguments.out.absolute()
    if out.suffix != ".zip" or not out.parent.is_dir():
        raise OperatorError(f"{out} cannot be written.", instead="Name a file that ends in .zip, in a folder there is.")
    with _platform() as (settings, engine):
        if out.resolve().is_relative_to(settings.home):
            raise OperatorError(f"{out} is inside what it is to show.", instead="Name a file in another folder.")
        number = export_person(engine, arguments.username, holdings(settings, engine), out)
        looks.record(engine, looks.OPERATOR, arguments.username, "data export")
    print(f"{out}: {number} files. It is hers: hand it to nobody else.")
    return 0


def erase(argv: list[str]) -> int:
    """Erases USERNAME for good, and keeps her cohort's numbers. Goes on with erasures that were cut short."""
    parser = argparse.ArgumentParser(prog="labkit privacy erase", description=erase.__doc__, allow_abbrev=False)
    parser.add_argument("username", help="as it is in the roster")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    arguments = parser.parse_args(argv)
    with _platform() as (settings, engine):
        parts = holdings(settings, engine)
        if (why := objection(engine, arguments.username)) is not None:
            # Cut short, she is known no more: what is left of her is cleared all the same.
            if why is Objection.UNKNOWN and resume(engine, parts):
                print("What earlier erasures left undone was tried again.")
            raise Refused(why)
        if not arguments.yes and not _agreed(arguments.username):
            print("Nobody was erased.")
            return 1
        done = erase_person(engine, arguments.username, parts)
    if done.finished:
        print(f"Erased. In the cohort's numbers she is {done.pseudonym}. Backups and logs age out.")
        return 0
    print(f"Erased from the database as {done.pseudonym}. {done.fault}", file=sys.stderr)
    print("What is left is cleared by itself when the platform runs.", file=sys.stderr)
    return 1


def retention(argv: list[str]) -> int:
    """Says what is kept longer than it should be; with --apply deletes it. Periods: LABKIT_RETENTION."""
    parser = argparse.ArgumentParser(prog="labkit privacy retention", description=retention.__doc__, allow_abbrev=False)
    parser.add_argument("--apply", action="store_true", help="delete it, instead of only saying so")
    arguments = parser.parse_args(argv)
    now = datetime.now(UTC)
    with _platform() as (settings, engine):
        for due in rules.plan(engine, now, settings.periods):
            oldest = f", the oldest from {due.oldest:%Y-%m-%d}" if due.oldest else ""
            print(f"{due.rule:<12} {due.count:>6} of {due.table}{oldest}")
        if not arguments.apply:
            print("Nothing was changed. --apply does it.")
            return 0
        parts = holdings(settings, engine)
        blobs = Blobs(State(settings.home).folder("blobs", mode=0o700))
        done = rules.apply(
            engine,
            now,
            settings.periods,
            lambda username: erase_person(engine, username, parts),
            lambda: clear(engine, blobs, blobs.all()),
        )
    print(f"Done: {', '.join(f'{rule} {count}' for rule, count in done.counts.items())}.")
    for name, why in done.refused:
        print(f"{name} was not erased: {why}", file=sys.stderr)
    return 1 if done.refused else 0


@contextmanager
def _platform() -> Iterator[tuple[Settings, Engine]]:
    settings = read()
    with opened(settings) as engine:
        yield settings, engine


def _agreed(username: str) -> bool:
    print(f"This erases {username}: her name, files, notebooks and words. It cannot be undone.")
    return sys.stdin.isatty() and input(f"Type {username} to go on: ") == username
