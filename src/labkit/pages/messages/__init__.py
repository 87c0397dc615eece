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
