"""The platform's database for a command: there, of this version, and closed afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub_config.settings import Settings
from labkit.database import connect
from labkit.database.engine import migrate
from labkit.errors import OperatorError


@contextmanager
def opened(settings: Settings, *, create: bool = False) -> Iterator[Engine]:
    """Raises OperatorError where there is no platform yet (unless it may `create` one), or no database answers."""
    if not settings.database and not (settings.home / "labkit.sqlite").exists():
        if not create:
            raise OperatorError(
                f"There is no platform at {settings.home}.", instead="Set LABKIT_HOME to the folder of yours."
            )
        settings.home.mkdir(parents=True, exist_ok=True)
        # Said aloud: in the wrong folder it is not the platform that is meant.
        print(f"There is no platform at {settings.home} yet: a new one.", file=sys.stderr)
    try:
        if create:
            migrate(settings.database_url)
        engine = connect(settings.database_url)
    except SQLAlchemyError as error:
        raise OperatorError("The database does not answer.", instead="Check LABKIT_DATABASE.") from error
    try:
        yield engine
    except SQLAlchemyError as error:
        raise OperatorError(
            "The database does not answer, or is of another version.",
            instead="Start the platform once, then try again.",
        ) from error
    except UnicodeEncodeError:  # half a surrogate pair, from bytes that are no text
        raise OperatorError("A name with bytes in it that are no text.", instead="Type it again.") from None
    finally:
        engine.dispose()
