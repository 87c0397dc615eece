"""The columns of a roster and what may stand in each. Whatever is not known is refused, with what to write instead."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable

from labkit.programme.address import ERASED, fold
from labkit.programme.roster.mistake import Wrong
from labkit.programme.roster.said import Said, say

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
        raise Wrong(
            say("The e-mail address is missing."), say("Everybody needs one of her own, such as ana.cruz@example.org.")
        )
    if len(address) > 254:
        raise Wrong(say("This e-mail address has %(number)s characters.", number=len(address)), most_of(254))
    if "<" in address or address.startswith("mailto:"):
        raise Wrong(say("More than an e-mail address."), say("Write the address alone, such as ana.cruz@example.org."))
    if re.search(r"[;,\s]", address):
        raise Wrong(
            say("Not one e-mail address."),
            say("Write one address, without spaces; other people get lines of their own."),
        )
    local = address.partition("@")[0]
    if address.endswith(f"@{ERASED}"):
        raise Wrong(say("Such addresses stand for people who were erased."), say("Write an address somebody has."))
    if not _EMAIL.fullmatch(address) or ".." in local or local.startswith(".") or local.endswith("."):
        raise Wrong(say("Not an e-mail address."), say("Write one such as ana.cruz@example.org."))
    return address


def given_name(text: str) -> str:
    if not text:
        raise Wrong(
            say("The given name is missing."), say("Whoever has one name only has it here; family_name may be empty.")
        )
    return _words(text, say("given name"), 100)


def family_name(text: str) -> str:
    """May be empty: not everybody has two names."""
    return _words(text, say("family name"), 100)


def role(text: str) -> str:
    return _one_of(text, say("role"), {name: name for name in ROLES}, _ROLE_MEANT)


def language(text: str) -> str | None:
    return _one_of(text, say("language"), {name: name for name in LANGUAGES}, _LANGUAGE_MEANT) if text else None


def sex(text: str) -> str | None:
    return _one_of(text, say("sex"), _SEXES, {}, shown=("female", "male", "other")) if text else None


def disability(text: str) -> bool | None:
    """Whether, never which: what kind somebody lives with is not ours to know."""
    if not text:
        return None
    found = _YES_NO.get(text.casefold())
    if found is None:
        raise Wrong(say("Only yes or no is kept, never which disability."), say("Write yes or no, or leave it empty."))
    return found


def region(text: str) -> str | None:
    return _words(text, say("region"), 64) or None


def employer(text: str) -> str | None:
    return _words(text, say("employer"), 200) or None


def cohort(text: str) -> str:
    name = _words(text, say("cohort"), 64)
    if name and not COHORT.fullmatch(name):
        raise Wrong(
            say("A cohort's name has letters, digits, spaces, dots, hyphens and underlines."),
            say("Write one such as ncr-2026-a."),
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


def most_of(number: int) -> Said:
    return say("%(number)s are the most there can be.", number=number)


def one_of(names: Iterable[str]) -> Said:
    return say("Write one of: %(names)s.", names=", ".join(names))


def near(text: str, known: Iterable[str]) -> Said:
    """A sentence that names what may have been meant, or else everything that is known."""
    names = sorted(known)
    close = difflib.get_close_matches(text.casefold(), names, 1, 0.6)
    return say("Did you mean %(name)s?", name=close[0]) if close else one_of(names[:20])


def _one_of(text: str, what: Said, known: dict[str, str], meant: dict[str, str], shown: tuple[str, ...] = ()) -> str:
    plain = text.casefold()
    if plain in known:
        return known[plain]
    if not text:
        raise Wrong(say("The %(what)s is missing.", what=what), one_of(shown or known))
    if plain in meant:
        raise Wrong(say("There is no %(what)s of that name.", what=what), say("Write %(word)s.", word=meant[plain]))
    raise Wrong(say("There is no %(what)s of that name.", what=what), near(text, shown or known))


def _words(text: str, what: Said, most: int) -> str:
    """A name in one line: composed characters, single spaces, nothing invisible, nothing a spreadsheet would run."""
    if text.startswith(_FORMULA):
        told = say("A %(what)s that begins with %(mark)s is a formula to a spreadsheet.", what=what, mark=repr(text[0]))
        raise Wrong(told, say("Write it without."))
    if "\N{REPLACEMENT CHARACTER}" in text:
        told = say("A character of this %(what)s was lost in an earlier conversion.", what=what)
        raise Wrong(told, say("Write it anew in the source."))
    invisible = (mark for mark in text if unicodedata.category(mark)[0] == "C" or mark in "\u2028\u2029")
    if odd := next((mark for mark in invisible if mark not in "\n\t"), None):
        name = unicodedata.name(odd, f"U+{ord(odd):04X}")
        told = say("An invisible character (%(name)s) is in this %(what)s.", name=name, what=what)
        raise Wrong(told, say("Delete it, or type the cell again."))
    if (meant := _read_twice(text)) is not None:
        told = say("This %(what)s was read in the wrong encoding before.", what=what)
        raise Wrong(told, say("It may be %(word)s; save the source as UTF-8.", word=meant))
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    if len(plain) > most:
        raise Wrong(say("This %(what)s has %(number)s characters.", what=what, number=len(plain)), most_of(most))
    return plain


def _read_twice(text: str) -> str | None:
    """What `text` was before its UTF-8 was taken for Windows-1252 (`Ã±` for `ñ`); None if it was not."""
    if text.isascii():
        return None
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None
