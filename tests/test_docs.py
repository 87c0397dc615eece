"""What the documents promise is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub_config.settings import Settings

PROJECT = Path(__file__).parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), target


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str):
    assert f"`LABKIT_{name.upper()}`" in (PROJECT / "docs" / "operate.md").read_text()


def test_every_verb_of_the_readme_is_in_the_makefile():
    verbs = set(re.findall(r"^\| `make (\w+)`", (PROJECT / "README.md").read_text(), re.M))
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.M))
    assert {"up", "test", "quick", "check", "soak", "reset"} <= verbs <= targets


def test_every_direct_dependency_says_why_it_is_there():
    listed = (PROJECT / "docs" / "dependencies.md").read_text().lower()
    text = (PROJECT / "pyproject.toml").read_text()
    section = text[text.index("[project.optional-dependencies]") : text.index("[project.scripts]")]
    names = set(re.findall(r'"([A-Za-z0-9_.-]+)(?:\[[a-z]+\])?(?:[<>=~]|")', section))
    missing = {name for name in names if name.lower() not in listed and not name.startswith("pytest-")}
    assert not missing
