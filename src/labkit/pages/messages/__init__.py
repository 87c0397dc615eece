"""The message catalogues, read as .po: a translator edits text, nothing is compiled or committed twice."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LANGUAGES = {"en": "English", "fil": "Filipino"}
_FOLDER = Path(__file__).parent


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of `language`; English is the source, so it has none."""
    path = _FOLDER / f"{language}.po"
    if language not in LANGUAGES or not path.exists():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def preferred(accept_language: str) -> str:
    """Which of ours a browser would rather read, by its Accept-Language (RFC 9110); English if it names none."""
    ranked: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:20]:
        tag, _, weight = part.partition(";q=")
        primary = tag.strip().lower().partition("-")[0]
        code = "fil" if primary == "tl" else primary  # the older tag of the same language
        try:
            ranked.append((float(weight or 1), code))
        except ValueError:
            continue
    ranked.sort(key=lambda entry: -entry[0])
    return next((code for weight, code in ranked if code in LANGUAGES and weight > 0), "en")
