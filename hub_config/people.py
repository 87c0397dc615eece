"""`labkit people link`: a sign-in link from the command line, for anybody, officers too."""

from __future__ import annotations

import argparse
import difflib

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub_config.settings import read
from labkit.database import connect
from labkit.errors import OperatorError
from labkit.programme import links
from labkit.programme.people import Person, everyone, person


def link(argv: list[str]) -> int:
    """Prints a new one-time sign-in link for USERNAME; her older ones no longer work."""
    parser = argparse.ArgumentParser(prog="labkit people link", description=link.__doc__, allow_abbrev=False)
    parser.add_argument("username", help="as it is in the roster")
    username = parser.parse_args(argv).username
    settings = read()
    if not settings.database and not (settings.home / "labkit.sqlite").exists():
        raise OperatorError(
            f"There is no platform at {settings.home}.", instead="Set LABKIT_HOME to the folder of yours."
        )
    engine = connect(settings.database_url)
    try:
        someone = _find(engine, username)
        token = links.issue(engine, someone.username)
    except SQLAlchemyError as error:
        raise OperatorError(
            "The database does not answer, or is of another version.",
            instead="Start the platform once, then try again.",
        ) from error
    finally:
        engine.dispose()
    print(f"{settings.hosts.main}/hub/link/{token}")
    return 0


def _find(engine: Engine, username: str) -> Person:
    someone = person(engine, username)
    if someone is not None:
        return someone
    near = difflib.get_close_matches(username, [one.username for one in everyone(engine)], 1)
    hint = f"Did you mean {near[0]}?" if near else "The roster knows who there is."
    raise OperatorError(f"Nobody is called {username!r}.", instead=hint)
