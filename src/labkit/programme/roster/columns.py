"""The columns of a roster and what may stand in each. Whatever is not known is refused, with what to write instead."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable

from labkit.programme.address import ERASED, fold
from labkit.programme.roster.mistake import Wrong

REQUIRED = ("email", "given_name", "family_name", "role", "cohort", "course")
OPTIONAL = ("language", "region", "sex", "disability", "employer")
COLUMNS = (*REQUIRED, *OPTIONAL)
ROLES = ("learner", "assistant", "instructor", "officer", "observer")
LANGUAGES = ("en", "fil")
COHORT = re.compile(r"\w(?:[\w .-]{0,62}\w)?")

_ROLE_MEANT = {
    **dict.fromkeys(("student", "trainee", "participant", "pupil", "estudyante", "mag-aaral"), "learner"),
    **dict.fromkeys(("teacher", "trainer", "lecturer", "faculty", "guro", "mentor"), "instructor"),
    **dict.fromkeys(("ta", "aide", "tutor", "teaching assistant", "grader"), "assistant"),
    **dict.fromkeys(("admin", "administrator", "manager", "coordinator"), "officer"),
    **dict.fromkeys(("guest", "auditor", "viewer", "parent"), "observer"),
}
_LANGUAGE_MEANT = {**dict.fromkeys(("english", "eng", "en-us", "en-ph", "en-gb"), "en")}
_LANGUAGE_MEANT |= dict.fromkeys(("filipino", "tagalog", "tl", "tgl", "fil-ph", "tl-ph"), "fil")
_SEXES = {"female": "female", "f": "female", "male": "male", "m": "male", "other": "other", "x": "other"}
_YES_NO = {**dict.fromkeys(("yes", "y", "true", "1"), True), **dict.fromkeys(("no", "n", "false", "0"), False)}
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,59}})")
# A spreadsheet takes a cell that begins so for a formula and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}")


def email(text: str) -> str:
    """As it is compared and kept: in lower case."""
    address = fold(text)
    if not address:
        raise Wrong("The e-mail address is missing.", "Everybody needs one of her own, such as ana.cruz@example.org.")
    if len(address) > 254:
        raise Wrong(f"This e-mail address has {len(address)} characters.", "254 are the most there can be.")
    if "<" in address or address.startswith("mailto:"):
        raise Wrong("More than an e-mail address.", "Write the address alone, such as ana.cruz@example.org.")
    if re.search(r"[;,\s]", address):
        raise Wrong(
            "Not one e-mail address.", "Write one address, without spaces; other people get lines of their own."
        )
    local = address.partition("@")[0]
    if address.endswith(f"@{ERASED}"):
        raise Wrong("Such addresses stand for people who were erased.", "Write an address somebody has.")
    if not _EMAIL.fullmatch(address) or ".." in local or local.startswith(".") or local.endswith("."):
        raise Wrong("Not an e-mail address.", "Write one such as ana.cruz@example.org.")
    return address


def given_name(text: str) -> str:
    if not text:
        raise Wrong("The given name is missing.", "Whoever has one name only has it here; family_name may be empty.")
    return _words(text, "given name", 100)


def family_name(text: str) -> str:
    """May be empty: not everybody has two names."""
    return _words(text, "family name", 100)


def role(text: str) -> str:
    return _one_of(text, "role", {name: name for name in ROLES}, _ROLE_MEANT)


def language(text: str) -> str | None:
    return _one_of(text, "language", {name: name for name in LANGUAGES}, _LANGUAGE_MEANT) if text else None


def sex(text: str) -> str | None:
    return _one_of(text, "sex", _SEXES, {}, shown=("female", "male", "other")) if text else None


def disability(text: str) -> bool | None:
    """Whether, never which: what kind somebody lives with is not ours to know."""
    if not text:
        return None
    found = _YES_NO.get(text.casefold())
    if found is None:
        raise Wrong("Only yes or no is kept, never which disability.", "Write yes or no, or leave it empty.")
    return found


def region(text: str) -> str | None:
    return _words(text, "region", 64) or None


def employer(text: str) -> str | None:
    return _words(text, "employer", 200) or None


def cohort(text: str) -> str:
    name = _words(text, "cohort", 64)
    if name and not COHORT.fullmatch(name):
        raise Wrong(
            "A cohort's name has letters, digits, spaces, dots, hyphens and underlines.",
            "Write one such as ncr-2026-a.",
        )
    return name


def course(text: str) -> str:
    """Its id as it is written; whether it is taught here is for whoever knows the courses."""
    return text


READ: dict[str, Callable[[str], object]] = {
    "email": email,
    "given_name": given_name,
    "family_name": family_name,
    "role": role,
    "cohort": cohort,
    "course": course,
    "language": language,
    "region": region,
    "sex": sex,
    "disability": disability,
    "employer": employer,
}


def near(text: str, known: Iterable[str]) -> str:
    """A sentence that names what may have been meant, or else everything that is known."""
    names = sorted(known)
    close = difflib.get_close_matches(text.casefold(), names, 1, 0.6)
    return f"Did you mean {close[0]}?" if close else f"Write one of: {', '.join(names[:20])}."


def _one_of(text: str, what: str, known: dict[str, str], meant: dict[str, str], shown: tuple[str, ...] = ()) -> str:
    plain = text.casefold()
    if plain in known:
        return known[plain]
    if not text:
        raise Wrong(f"The {what} is missing.", f"Write one of: {', '.join(shown or known)}.")
    if plain in meant:
        raise Wrong(f"There is no {what} of that name.", f"Write {meant[plain]}.")
    raise Wrong(f"There is no {what} of that name.", near(text, shown or known))


def _words(text: str, what: str, most: int) -> str:
    """A name in one line: composed characters, single spaces, nothing invisible, nothing a spreadsheet would run."""
    if text.startswith(_FORMULA):
        raise Wrong(f"A {what} that begins with {text[0]!r} is a formula to a spreadsheet.", "Write it without.")
    if "\N{REPLACEMENT CHARACTER}" in text:
        raise Wrong(f"A character of this {what} was lost in an earlier conversion.", "Write it anew in the source.")
    invisible = (mark for mark in text if unicodedata.category(mark)[0] == "C" or mark in "\u2028\u2029")
    if odd := next((mark for mark in invisible if mark not in "\n\t"), None):
        name = unicodedata.name(odd, f"U+{ord(odd):04X}")
        raise Wrong(f"An invisible character ({name}) is in this {what}.", "Delete it, or type the cell again.")
    if (meant := _read_twice(text)) is not None:
        raise Wrong(
            f"This {what} was read in the wrong encoding before.", f"It may be {meant}; save the source as UTF-8."
        )
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    if len(plain) > most:
        raise Wrong(f"This {what} has {len(plain)} characters.", f"{most} are the most there can be.")
    return plain


def _read_twice(text: str) -> str | None:
    """What `text` was before its UTF-8 was taken for Windows-1252 (`Ã±` for `ñ`); None if it was not."""
    if text.isascii():
        return None
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None
