"""The services beside the hub. All are external to it: one supervisor starts them at once."""

from __future__ import annotations

from typing import Any

from hub_config.settings import Settings
from hub_config.state import State

PAGES_PREFIX = "/services/labkit/"


def formgrader(course: str) -> str:
    """The name of a course's formgrader service."""
    return f"formgrader-{course}"


def external(settings: Settings, state: State, ports: dict[str, int]) -> list[dict[str, Any]]:
    """What `c.JupyterHub.services` takes."""
    plain = [_service(name, state, ports[name]) for name in ("gateway", "submissions")]
    signed_in = [
        # Platform pages and formgraders are ours: asking "may this service know your name?" would only confuse.
        _service(
            "labkit", state, ports["pages"], oauth_no_confirm=True, oauth_redirect_uri=f"{PAGES_PREFIX}oauth_callback"
        ),
        *(
            _service(
                formgrader(course),
                state,
                ports[formgrader(course)],
                oauth_no_confirm=True,
                oauth_redirect_uri=f"{settings.hosts.formgrader(course)}oauth_callback",
            )
            for course in settings.taught
        ),
    ]
    return plain + signed_in


def _service(name: str, state: State, port: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "url": f"http://127.0.0.1:{port}",
        "api_token": state.secret(f"service-{name}"),
        "display": False,
        **more,
    }
