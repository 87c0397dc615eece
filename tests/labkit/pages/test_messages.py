"""Every word a person reads is in both languages."""

import ast
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import labkit.pages
from labkit.pages.messages import LANGUAGES, preferred, translations

PAGES = Path(labkit.pages.__file__).parent
# The hub's pages speak through the same catalogue.
TEMPLATES = (PAGES / "templates", PAGES.parent.parent.parent / "hub_config" / "templates")
# What is wrong with a roster is said by `say`, and translated where a page shows it.
ROSTER = PAGES.parent / "programme" / "roster"
SAID = {m for _, _, m, _, _ in extract_from_dir(ROSTER, [("**.py", "python")], keywords={"say": None})}
FOUND = sorted(
    {
        m if isinstance(m, str) else m[0]
        for folder in TEMPLATES
        for _, _, m, _, _ in extract_from_dir(folder, [("**.html", "jinja2")])
    }
    | SAID
)


def test_every_sentence_about_a_roster_can_be_said_in_filipino():
    """A sentence that is put together otherwise would stay English on the page."""
    for path in ROSTER.glob("*.py"):
        tree = ast.parse(path.read_text())
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            plain = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            sentences = [text for text in plain if text.endswith(".") and " " in text]
            if name in ("Wrong", "Mistake", "wrong", "says", "_refused"):
                assert not sentences, f"{path.name}:{call.lineno}: {sentences}"
                joined = [ast.unparse(one) for one in call.args if isinstance(one, ast.JoinedStr)]
                assert not [text for text in joined if text[:-1].endswith((".", "?"))]


def catalogue():
    with (PAGES / "messages" / "fil.po").open("rb") as file:
        return read_po(file)


@pytest.mark.parametrize("message", FOUND)
def test_a_message_of_a_template_is_in_the_filipino_catalogue(message: str):
    entry = catalogue().get(message)
    assert entry is not None
    assert all(entry.string) if isinstance(entry.string, tuple) else entry.string


def test_the_catalogue_holds_nothing_that_no_template_says():
    ids = {entry.id if isinstance(entry.id, str) else entry.id[0] for entry in catalogue() if entry.id}
    assert ids == set(FOUND)


def test_placeholders_are_the_same_in_both_languages():
    for entry in catalogue():
        assert not list(entry.check(catalogue())), entry.id


@pytest.mark.parametrize("language", [*LANGUAGES, "xx", "../fil"])
def test_an_unknown_language_reads_english(language: str):
    expected = "Buksan ang lab" if language == "fil" else "Open lab"
    assert translations(language).gettext("Open lab") == expected


def test_templates_say_nothing_outside_the_catalogue():
    import re

    for path in (path for folder in TEMPLATES for path in folder.glob("*.html")):
        words = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", " ", path.read_text(), flags=re.S)
        left = set(re.findall(r"[A-Za-z]{3,}", words)) - {"labkit"}
        assert not left, f"{path.name}: {left}"


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("", "en"),
        ("fil", "fil"),
        ("fil-PH,fil;q=0.9,en;q=0.8", "fil"),
        ("tl-PH", "fil"),
        ("de-DE,de;q=0.9", "en"),
        ("en;q=0.1, fil;q=0.7", "fil"),
        ("fil;q=0", "en"),
        ("fil;q=many", "en"),
        ("," * 10_000, "en"),
    ],
)
def test_a_stranger_reads_what_the_browser_asks_for(asked: str, read: str):
    assert preferred(asked) == read
