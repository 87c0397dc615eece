"""`labkit people link | office | unbind`: a sign-in link for anybody, offices, and a new account at the provider."""

from __future__ import annotations

import argparse
import difflib

from sqlalchemy import Engine, update

from hub_config.database import opened
from hub_config.settings import read
from labkit.database.tables import people
from labkit.errors import OperatorError
from labkit.programme import groups, links, sessions
from labkit.programme.people import Person, everyone, person
from labkit.programme.suspension import is_suspended, settle


def link(argv: list[str]) -> int:
    """Prints a new one-time sign-in link for USERNAME; her older ones no longer work."""
    parser = argparse.ArgumentParser(prog="labkit people link", description=link.__doc__, allow_abbrev=False)
    parser.add_argument("username", help="as it is in the roster")
    username = parser.parse_args(argv).username
    settings = read()
    with opened(settings) as engine:
        someone = find(engine, username)
        if is_suspended(engine, someone.username):
            raise OperatorError(
                f"{someone.username} is suspended: she takes part in nothing, and a link would not let her in.",
                instead="Give her a place with `labkit roster apply`, or an office with `labkit people office`.",
            )
        token = links.issue(engine, someone.username)
    print(f"{settings.hosts.main}/hub/link/{token}")
    return 0


def office(argv: list[str]) -> int:
    """Gives USERNAME an office of the whole programme, or takes it away; a roster file only ever gives one."""
    parser = argparse.ArgumentParser(prog="labkit people office", description=office.__doc__, allow_abbrev=False)
    parser.add_argument("username", help="as it is in the roster")
    parser.add_argument("office", choices=("officer", "observer"))
    parser.add_argument("--end", action="store_true", help="take it away, and end her sessions")
    given = parser.parse_args(argv)
    with opened(read()) as engine:
        someone = find(engine, given.username)
        with engine.begin() as connection:
            hers = people.c.username == someone.username
            connection.execute(update(people).where(hers).values(**{given.office: not given.end}))
            links.end_unused(connection, [someone.username])
            settle(connection, [someone.username])
        if given.end:
            sessions.end(engine, someone.username)
    print(f"{someone.username} is {'no longer ' if given.end else ''}an {given.office}.")
    return 0


def unbind(argv: list[str]) -> int:
    """Forgets USERNAME's account at the identity provider: her next sign-in there is by her address again."""
    parser = argparse.ArgumentParser(prog="labkit people unbind", description=unbind.__doc__, allow_abbrev=False)
    parser.add_argument("username", help="as it is in the roster")
    username = parser.parse_args(argv).username
    with opened(read()) as engine:
        many = groups.unbind(engine, find(engine, username).username)
    print(f"Forgotten: {many} account{'' if many == 1 else 's'} of {username}.")
    return 0


def find(engine: Engine, username: str) -> Person:
    """Raises OperatorError with the nearest name for somebody who is not there."""
    someone = person(engine, username)
    if someone is not None:
        return someone
    near = difflib.get_close_matches(username, [one.username for one in everyone(engine)], 1)
    hint = f"Did you mean {near[0]}?" if near else "The roster knows who there is."
    raise OperatorError(f"Nobody is called {username!r}.", instead=hint)
