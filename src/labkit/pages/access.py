"""Who may use each page, said where the page is made; the table in docs/roles.md is read from the application.

What a rule says of a *role* is enforced here, before the page's own code runs; what hangs on *whose* object it is (her
own receipt, a learner of her cohort, a person within her reach) the page checks. Whoever may not use a page reads the
same "nothing here for you" as for a page that does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from labkit.programme.people import Person

Endpoint = Callable[[Request, Person], Awaitable[Response]]


class Access(Enum):
    """The value is what docs/roles.md says."""

    ANYBODY = "anybody, signed in or not"
    SIGNED_IN = "whoever is signed in, for herself"
    LEARNS = "learners of the course"
    TAKES_PART = "learners, assistants and instructors of the course"
    SEES_COURSE = "whoever takes part in the course or observes a cohort of it; officers and observers of the programme"
    TEACHES = "assistants and instructors, for learners of their own cohorts"
    LEADS = "instructors, for their own cohorts"
    WRITES = "instructors of the course"
    LOOKS_AFTER = "instructors, for learners of their own cohorts; officers, for everybody but officers"
    SEES_COHORT = "officers and observers of the programme; assistants, instructors and observers of that cohort"
    PROGRAMME = "officers and observers of the programme"
    OFFICER = "officers"


def check(access: Access, request: Request, someone: Person) -> None:
    """Raises 404 for whoever's role does not reach."""
    allowed = {
        Access.LOOKS_AFTER: bool(request.state.leads),
        Access.LEADS: bool(request.state.leads),
        Access.WRITES: bool(request.state.leads),
        Access.PROGRAMME: someone.officer or someone.observer,
        Access.OFFICER: someone.officer,
    }
    if not allowed.get(access, True):
        raise HTTPException(404)


def table(application: ASGIApp) -> list[tuple[str, str, Access]]:
    """Method, path and access of every route of the pages. Raises KeyError for a route that says nothing of it."""
    found: list[tuple[str, str, Access]] = []
    for mount in getattr(application, "routes", ()):
        assert isinstance(mount, Mount)
        for route in mount.routes:
            if isinstance(route, Mount):
                found.append(("GET", f"{route.path}/…", Access.ANYBODY))
            elif isinstance(route, Route):
                methods = sorted((route.methods or {"GET"}) - {"HEAD"})
                access = getattr(route.endpoint, "access", None)
                if access is None:
                    raise KeyError(f"{route.path} does not say who may use it")
                found += [(method, route.path, access) for method in methods]
    return sorted(found, key=lambda row: (row[1], row[0]))


def markdown(rows: list[tuple[str, str, Access]]) -> str:
    """The table as docs/roles.md shows it, pages of one rule together."""
    lines = ["| page | who |", "|---|---|"]
    for access in Access:
        lines += [f"| `{method} {path}` | {access.value} |" for method, path, rule in rows if rule is access]
    return "\n".join(lines)
