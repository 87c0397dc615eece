"""A server extension of a course's formgrader: each teacher is shown the learners of her own cohorts only.

Every request goes through here on its way to its handler, whichever extension brought the handler and whenever: what
is not named as open or in `rules.py` is refused to whoever does not teach every cohort of the course.

Covers: pages, lists, counts, averages, navigation, files, grades and comments of nbgrader's formgrader, by every id;
and everything else of the notebook server (contents, files, kernels, sessions), of which she has nothing. What is
refused is refused before nbgrader is asked, with the same answer whether it exists or not.

Does NOT cover
  - whoever teaches every cohort of the course that has learners: she has the whole notebook server.
  - how long an answer takes: one id is looked up in the gradebook, whosever it is, and the time of that may be seen.
  - the labs themselves: names, notebooks, due dates and largest points are the course's, not a learner's.
  - whoever left every cohort but whose work is still in the gradebook: shown to those who teach all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_server.auth.logout import LogoutHandler
from jupyter_server.base.handlers import APIVersionHandler, JupyterHandler, RedirectWithParams, TrailingSlashHandler
from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.web import RedirectHandler, StaticFileHandler

from hub_config.formgrader_walls.rules import MODULE
from hub_config.formgrader_walls.wall import Elsewhere, Formgrader, Nobody

# The setting that names the file which says who teaches whom.
SETTING = "labkit_pupils"
# Without anything of anybody's: signing in and out, the version, and redirects within the server.
_OPEN = (HubOAuthCallbackHandler, LogoutHandler, APIVersionHandler)
_REDIRECTS = (RedirectHandler, RedirectWithParams, TrailingSlashHandler)


class Walls:
    """What stands between the web application's routes and their handlers."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._static = (_package("nbgrader") / "server_extensions" / "formgrader" / "static",)
        self._servers_own = settings.get("static_path")
        self._walled: dict[type, type] = {}

    def handler(self, target: type, arguments: Mapping[str, Any]) -> type:
        """What answers in place of `target`; the same where it is open to everybody."""
        if issubclass(target, _OPEN) or target in _REDIRECTS or self._is_public(target, arguments):
            return target
        if target not in self._walled:
            self._walled[target] = type(target.__name__, (_wall(target), target), {"__module__": target.__module__})
        return self._walled[target]

    def _is_public(self, target: type, arguments: Mapping[str, Any]) -> bool:
        """Files of a package: not what merely is served by the same class."""
        if not issubclass(target, StaticFileHandler) or not (path := arguments.get("path")):
            return False
        if path == self._servers_own:
            return True
        return isinstance(path, str) and any(Path(path).resolve().is_relative_to(folder) for folder in self._static)


def _wall(target: type) -> type:
    if not issubclass(target, JupyterHandler):
        return Nobody  # it does not know who asks
    return Formgrader if target.__module__.startswith(f"{MODULE}.") else Elsewhere


def _package(name: str) -> Path:
    found = find_spec(name)
    assert found is not None and found.origin is not None
    return Path(found.origin).resolve().parent


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "hub_config.formgrader_walls"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Raises where the setting is missing; the server must then not start (`reraise_server_extension_failures`)."""
    application = server.web_app
    assert application.settings[SETTING]
    walls = Walls(application.settings)
    whole: Callable[..., Any] = application.get_handler_delegate

    # Tornado's own names: it says these by name.
    def delegate(request: Any, target_class: type, target_kwargs: Any = None, *more: Any, **named: Any) -> Any:
        return whole(request, walls.handler(target_class, target_kwargs or {}), target_kwargs, *more, **named)

    application.get_handler_delegate = delegate
