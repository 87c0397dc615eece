"""Who may do what in the hub. Nobody is its administrator, and every service has what it needs and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub_config.services import formgrader


def instructors(course: str) -> str:
    """The hub group of those who teach a course, assistants too."""
    return f"instructors-{course}"


def groups(courses: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """What `c.JupyterHub.load_groups` takes: nobody yet. `Follower` puts people in, and takes them out again."""
    return {instructors(course): {"users": []} for course in courses}


def roles(courses: Sequence[str]) -> list[dict[str, Any]]:
    """What `c.JupyterHub.load_roles` takes: least privilege, nobody is an administrator."""
    return [
        {
            "name": "pages",
            "description": "The platform's pages start and look at servers, and delete who is erased",
            "services": ["labkit"],
            "scopes": [
                *("servers", "read:servers", "read:users:name", "list:users"),
                *("read:users:activity", "delete:users"),
                *(f"groups!group={instructors(course)}" for course in courses),
            ],
        },
        {"name": "user", "description": "A learner", "scopes": ["self", "access:services!service=labkit"]},
        *(
            {
                "name": f"formgrader-{course}",
                "description": f"Grades {course} by hand",
                "groups": [instructors(course)],
                "scopes": [f"access:services!service={formgrader(course)}"],
            }
            for course in courses
        ),
        *(
            {
                "name": f"formgrader-service-{course}",
                "description": "What nbgrader's formgrader asks of the hub",
                "services": [formgrader(course)],
                "scopes": ["read:users:name"],
            }
            for course in courses
        ),
    ]
