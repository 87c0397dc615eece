"""The short test before and after a course: pairs of parallel questions, so that what was learnt can be measured.

COURSE/test.toml holds two questions of each pair, form A and form B, about the same outcome and as hard as each other.
Whoever answers A before answers B afterwards, and the other way round (`form_of`): how much easier one form may be then
cancels out in a mean over many (counterbalancing; Campbell and Stanley, 1963).

    [[items]]
    pair = "temperature"
    form = "A"
    outcome = "sampling"
    right = 2                      # which of the choices, counted from 1
    [items.en]
    question = "..."
    choices = ["...", "...", "..."]
    explanation = "..."
    [items.fil]                    # the same in Filipino
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.courses.course import LANGUAGES, Item, ItemText, Quiz
from labkit.courses.reader import Table

FILE = "test.toml"
FORMS = ("A", "B")
_KEYS = ("pair", "form", "outcome", "right", *LANGUAGES)
_WORDS = ("question", "choices", "explanation")


def load_quiz(file: Path, outcomes: tuple[str, ...]) -> Quiz | None:
    """The test in `file`; None where there is none."""
    if not file.is_file():
        return None
    top = Table.read(file)
    top.known(("items",))
    tables = top.tables("items")
    if not tables:
        raise top.refuse("", "a test has no items", "add [[items]] tables, or remove the file")
    found: dict[tuple[str, str], Item] = {}
    for table in tables:
        item = _item(table, outcomes)
        if (item.pair, item.form) in found:
            raise table.refuse("pair", f"{item.pair!r} has a form {item.form} already", "write one of each form")
        twin = found.get((item.pair, other_form(item.form)))
        if twin and twin.outcome != item.outcome:
            raise table.refuse("outcome", f"the pair {item.pair!r} is about two outcomes", f"write {twin.outcome!r}")
        found[item.pair, item.form] = item
    for table, item in zip(tables, found.values(), strict=True):
        if (item.pair, other_form(item.form)) not in found:
            raise table.refuse(
                "pair", f"{item.pair!r} has no form {other_form(item.form)}", "write its parallel question"
            )
    return Quiz(tuple(found.values()))


def form_of(secret: bytes, course: str, learner: str, phase: str) -> str:
    """A or B: by HMAC-SHA256 of her name for `phase` "before", and the other one for "after"."""
    digest = hmac.new(secret, "\0".join(("test", course, learner)).encode(), hashlib.sha256).digest()
    first = FORMS[digest[0] % 2]
    return first if phase == "before" else other_form(first)


def other_form(form: str) -> str:
    """The parallel one."""
    return FORMS[1 - FORMS.index(form)]


def _item(table: Table, outcomes: tuple[str, ...]) -> Item:
    table.known(_KEYS)
    form, outcome = table.text("form"), table.text("outcome")
    if form not in FORMS:
        raise table.refuse("form", f"form = {form!r}", f"write one of {', '.join(FORMS)}")
    if outcome not in outcomes:
        known = ", ".join(outcomes) or "no outcome yet: add [[outcomes]] tables"
        raise table.refuse("outcome", f"course.toml has no outcome {outcome!r}", f"write one of {known}")
    texts = {language: _text(table, language) for language in LANGUAGES}
    counts = {len(text.choices) for text in texts.values()}
    if len(counts) != 1:
        raise table.refuse("choices", "languages have different numbers of choices", "write the same ones in each")
    right = table.whole("right")
    if right is None or right > min(counts):
        raise table.refuse("right", f"right = {right!r}", f"write which choice is right, from 1 to {min(counts)}")
    return Item(table.text("pair"), form, outcome, right - 1, texts)


def _text(table: Table, language: str) -> ItemText:
    given = table.inner(language, _WORDS)
    question, explanation, choices = (given.get(name) for name in ("question", "explanation", "choices"))
    if not _is_text(question) or not _is_text(explanation):
        raise table.refuse(language, f"no question or no explanation in {language!r}", "write both as text")
    if not isinstance(choices, list) or len(choices) < 2 or not all(map(_is_text, choices)):
        raise table.refuse(language, f"fewer than two choices in {language!r}", 'write choices = ["...", "..."]')
    if len(set(choices)) < len(choices):
        raise table.refuse(language, f"two choices say the same in {language!r}", "write different ones")
    return ItemText(str(question), tuple(choices), str(explanation))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def right_of(items: tuple[Item, ...], chosen: Mapping[str, int | None]) -> int:
    """How many were answered rightly; `chosen` is a place among the choices for each pair, None for "I do not know"."""
    return sum(chosen.get(item.pair) == item.right for item in items)
