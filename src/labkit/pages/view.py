"""Renders a template in the reader's language."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from labkit.pages.messages import LANGUAGES, preferred, translations
from labkit.pages.site import Site
from labkit.programme.people import Person
from labkit.programme.roster.said import translated

_TEMPLATES = Path(__file__).parent / "templates"
# Learners' words are text everywhere; the only script is ours. OAuth's way through the hub stays on our origin.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with it a browser says `Origin: null` of our own forms. Nothing secret is in an address here.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class View:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._environments = {language: self._environment(language) for language in LANGUAGES}

    def render(
        self, request: Request, template: str, someone: Person | None, status: int = 200, **values: Any
    ) -> Response:
        """`someone` is the reader; a stranger reads what her browser asks for."""
        asked = someone.language if someone else preferred(request.headers.get("accept-language", ""))
        language = asked if asked in LANGUAGES else "en"
        page = self._environments[language].get_template(template)
        text = page.render(
            someone=someone,
            leads=getattr(request.state, "leads", False),
            language=language,
            languages=LANGUAGES,
            here=request.url.path,
            site=self._site,
            **values,
        )
        return HTMLResponse(text, status_code=status, headers=HEADERS)

    def _environment(self, language: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
        environment.filters |= {
            "points": lambda value: format_decimal(round(value, 2), locale=language),
            "number": lambda value: format_decimal(value, locale=language),
            "money": lambda value: _money(value, self._site.prices.currency, language),
            "calendar_day": lambda value: str(format_date(value, "d MMM y", locale=language)),
            "moment": lambda value: self._moment(value, language),
            "day": lambda value: f"{value.astimezone(self._site.timezone):%Y-%m-%d}",
            # An end is the first moment that is not in it: the last day is the one before.
            "day_before": lambda value: f"{value.astimezone(self._site.timezone) - timedelta(seconds=1):%Y-%m-%d}",
            "last_day": lambda value: self._last_day(value, language),
            "said": lambda text: translated(text, translations(language).gettext),
            "since": lambda value: self._since(value, language),
            "lasting": lambda days: _lasting(days, language),
            "title_in": lambda thing: thing.titles.get(language, thing.title),
            "question_in": lambda item: item.texts.get(language, item.texts["en"]),
            # A text and the same in other languages: `course | words_in("description", "descriptions")`.
            "words_in": lambda thing, one, others: getattr(thing, others).get(language) or getattr(thing, one),
        }
        environment.globals["prefix"] = self._site.prefix.rstrip("/")
        return environment

    def _moment(self, value: datetime, language: str) -> str:
        return str(format_datetime(value, "d MMM y, h:mm a", tzinfo=self._site.timezone, locale=language))

    def _last_day(self, end: datetime, language: str) -> str:
        """The day that ends with the moment `end`."""
        day = end.astimezone(self._site.timezone) - timedelta(seconds=1)
        return str(format_date(day, "d MMM y", locale=language))

    def _since(self, value: datetime, language: str) -> str:
        return str(format_timedelta(value - datetime.now(value.tzinfo), add_direction=True, locale=language))


def _money(amount: float, currency: str, language: str) -> str:
    """Of a small amount four more figures: an answer of a small model costs less than the smallest coin."""
    if 0 < abs(amount) < 1:
        return str(format_currency(amount, currency, "¤#,##0.00####", locale=language, currency_digits=False))
    return str(format_currency(amount, currency, locale=language))


def _lasting(days: int, language: str) -> str:
    """Whole years where they are whole, else days."""
    span = timedelta(days=days)
    if days % 365 == 0:
        return str(format_timedelta(span, granularity="year", locale=language))
    return str(format_timedelta(span, granularity="day", threshold=1e9, locale=language))
