"""How the hub's own pages look and speak: our design, the reader's language, and headers as strict as the pages'.

The words come from the pages' catalogues. Somebody signed in reads her language, a sign-in page goes by what the
browser asks for, and an error shown to a stranger is said in both.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup
from sqlalchemy import Engine
from tornado.web import StaticFileHandler

import labkit.pages
from labkit.pages.messages import LANGUAGES, translations
from labkit.programme.people import person

STATIC = Path(labkit.pages.__file__).parent / "static"
_FILES = r"/labkit/((?:labkit\.css|labkit\.svg|wait\.js))"
Gettext = Callable[..., Markup]


class Static(StaticFileHandler):
    """The few files the hub's pages need, so that they look right while the pages' process is down."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "public, max-age=3600")
        self.set_header("X-Content-Type-Options", "nosniff")


def static_handler() -> tuple[str, type[Static], dict[str, Any]]:
    return (_FILES, Static, {"path": str(STATIC)})


def gettext(language: str | None) -> Gettext:
    """`_` of a template: one language, or each after the other where nobody knows which."""

    def one(code: str, message: str, values: dict[str, Any]) -> Markup:
        text = Markup(translations(code).gettext(message))  # noqa: S704 - our own catalogue
        return text % values if values else text

    def say(message: str, **values: Any) -> Markup:
        if language is not None:
            return one(language, message, values)
        words = {code: one(code, message, values) for code in LANGUAGES}
        first = words.pop("en")
        others = (Markup('<span lang="{}">{}</span>').format(code, text) for code, text in words.items())
        return Markup(" · ").join([first, *others])

    return say


def dress(app: Any, engine: Engine, origin: str, pages: str) -> None:
    """Gives the hub's own handlers our words and headers.

    Called for the handlers' list, which the hub asks for after its settings are made and before its web application.
    """

    def language(user: Any) -> str | None:
        someone = person(engine, user.name) if user and hasattr(user, "orm_user") else None
        return someone.language if someone and someone.language in LANGUAGES else None

    settings = app.tornado_settings
    words = {
        "_": lambda user: gettext(language(user)),
        "language": lambda user: language(user) or "en",
        "pages": pages,
    }
    settings["template_vars"] = {**settings["template_vars"], **words}
    settings["headers"] = {**settings.get("headers", {}), **headers(origin)}


def headers(origin: str) -> dict[str, str]:
    """`origin` is the one people open; a form may lead on to learners' hosts below it, through the hub's OAuth."""
    parts = urlsplit(origin)
    below = f"{parts.scheme}://*.{parts.netloc}" if origin else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action 'self' {below}; frame-ancestors 'none'; base-uri 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        # A sign-in link is an address: it must not travel on as a Referer.
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
