"""A sheet of sign-in cards to print and cut: a page of its own, kept as a file, that asks for nothing from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import segno
from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from labkit.pages.messages import LANGUAGES, translations
from labkit.programme.roster.sheet import Invited

_HERE = Path(__file__).parent


def sheet(invited: Sequence[Invited], cohort: str, timezone: ZoneInfo) -> str:
    """HTML: a card for each person in her language, with her name, her link, and a code a telephone reads."""
    cards = [_card(one, timezone) for one in invited]
    style = Markup((_HERE / "static" / "print.css").read_text())  # noqa: S704 - our own file
    return _environment("en").get_template("sheet.html").render(cards=cards, cohort=cohort, style=style)


def _card(one: Invited, timezone: ZoneInfo) -> Markup:
    language = one.language if one.language in LANGUAGES else "en"
    until = format_datetime(one.valid_until, "d MMM y, h:mm a", tzinfo=timezone, locale=language)
    code = segno.make(one.link, error="m", micro=False).svg_inline(scale=2.4, border=2)
    template = _environment(language).get_template("card.html")
    text = template.render(one=one, language=language, until=until, code=Markup(code))  # noqa: S704 - made of squares
    return Markup(text)  # noqa: S704 - the template has escaped what is hers


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    return environment
