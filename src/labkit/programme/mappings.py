"""Which group at the identity provider puts people into which cohort, as what."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, insert, select, update

from labkit.database import reading
from labkit.database.tables import cohort_groups, cohorts
from labkit.errors import OperatorError

# What a group may make of somebody, from the weakest; in two groups of one cohort the stronger counts.
ROLES = ("observer", "learner", "assistant", "instructor")
_LONGEST = 200


@dataclass(frozen=True)
class GroupMapping:
    group: str
    cohort: str
    role: str


def mappings(engine: Engine) -> tuple[GroupMapping, ...]:
    query = select(cohort_groups).order_by(cohort_groups.c.group, cohort_groups.c.cohort)
    with reading(engine) as connection:
        return tuple(GroupMapping(row.group, row.cohort, row.role) for row in connection.execute(query))


def map_group(engine: Engine, group: str, cohort: str, role: str = "learner") -> None:
    """From her next sign-in or refresh on, whoever is in `group` is in `cohort`; a mapping that is there changes its
    role. Raises OperatorError for a cohort or role there is not, and for the role no group can give."""
    if role == "officer":
        raise OperatorError(
            "A group cannot make officers: whoever keeps groups at the provider would rule the platform.",
            instead="Make officers in the roster.",
        )
    if role not in ROLES:
        raise OperatorError(f"There is no role {role!r}.", instead=f"The roles are {', '.join(ROLES)}.")
    if not group.strip() or len(group) > _LONGEST or not group.isprintable():
        raise OperatorError(
            f"{group[:40]!r} is no name of a group.",
            instead=f"Write it as the provider does, up to {_LONGEST} letters.",
        )
    with engine.begin() as connection:
        _known(connection, cohort)
        where = (cohort_groups.c.group == group, cohort_groups.c.cohort == cohort)
        if connection.execute(update(cohort_groups).where(*where).values(role=role)).rowcount == 0:
            connection.execute(insert(cohort_groups).values(group=group, cohort=cohort, role=role))


def unmap(engine: Engine, group: str, cohort: str) -> None:
    """Whoever is in `cohort` by `group` alone leaves it at her next sign-in or refresh."""
    with engine.begin() as connection:
        where = (cohort_groups.c.group == group, cohort_groups.c.cohort == cohort)
        if connection.execute(delete(cohort_groups).where(*where)).rowcount == 0:
            raise OperatorError(
                f"Group {group!r} is not mapped to cohort {cohort!r}.", instead="See which mappings there are."
            )


def _known(connection: Connection, cohort: str) -> None:
    names = connection.execute(select(cohorts.c.name).order_by(cohorts.c.name)).scalars().all()
    if cohort not in names:
        near = difflib.get_close_matches(cohort, names, 1)
        hint = f"Did you mean {near[0]}?" if near else f"The cohorts are {', '.join(names) or 'none yet'}."
        raise OperatorError(f"There is no cohort {cohort!r}.", instead=hint)
