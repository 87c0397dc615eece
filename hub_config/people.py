"""`labkit people link|unbind`: a sign-in link for anybody, officers too; and a new account at the provider."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub_config.settings import Settings, read
from labkit.database import connect
from labkit.errors import OperatorError
from labkit.programme import groups, links
from labkit.programme.people import Person, everyone, person


def link(argv: list[str]) -> int:
    """Prints a new one-time sign-in link for USERNAME; her older ones no longer work."""
    settings = read()
    with _somebody(settings, argv, "link", link.__doc__) as (engine, someone):
        token = links.issue(engine, someone.username)
    print(f"{settings.hosts.main}/hub/link/{token}")
    return 0


def unbind(argv: list[str]) -> int:
    """Forgets USERNAME's account at the identity provider: her next sign-in there is by her address again."""
    with _somebody(read(), argv, "unbind", unbind.__doc__) as (engine, someone):
        many = groups.unbind(engine, someone.username)
    print(f"Forgotten: {many} account{'' if many == 1 else 's'} of {someone.username}.")
    return 0


@contextmanager
def _somebody(settings: Settings, argv: list[str], verb: str, does: str | None) -> Iterator[tuple[Engine, Person]]:
    """Whoever the command names, with the database of the platform she is in."""
    parser = argparse.ArgumentParser(prog=f"labkit people {verb}", description=does, allow_abbrev=False)
    parser.add_argument("username", help="as it is in the roster")
    username = parser.parse_args(argv).username
    if not settings.database and not (settings.home / "labkit.sqlite").exists():
        raise OperatorError(
            f"There is no platform at {settings.home}.", instead="Set LABKIT_HOME to the folder of yours."
        )
    engine = connect(settings.database_url)
    try:
        yield engine, _find(engine, username)
    except SQLAlchemyError as error:
        raise OperatorError(
            "The database does not answer, or is of another version.",
            instead="Start the platform once, then try again.",
        ) from error
    finally:
        engine.dispose()


def _find(engine: Engine, username: str) -> Person:
    someone = person(engine, username)
    if someone is not None:
        return someone
    near = difflib.get_close_matches(username, [one.username for one in everyone(engine)], 1)
    hint = f"Did you mean {near[0]}?" if near else "The roster knows who there is."
    raise OperatorError(f"Nobody is called {username!r}.", instead=hint)
