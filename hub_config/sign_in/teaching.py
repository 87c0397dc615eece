"""At sign-in whoever teaches is put into her courses' hub groups, so that her formgrader opens at once.

Afterwards `hub_config.follower` keeps them right; it alone takes anybody out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jupyterhub import orm

from hub_config.roles import instructors


def join(db: Any, user: Any, courses: Iterable[str]) -> None:
    """`user` is the hub's; a course that is not taught here has no group."""
    for course in sorted(set(courses)):
        group = orm.Group.find(db, instructors(course))
        if group is not None and user.orm_user not in group.users:
            group.users.append(user.orm_user)
    db.commit()
