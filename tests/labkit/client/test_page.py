"""docs/labkit-in-a-notebook.md names everything a learner can call."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import labkit

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "labkit-in-a-notebook.md").read_text()
CALLS = [name for name in labkit.__all__ if name.islower()]


@pytest.mark.parametrize("name", labkit.__all__)
def test_every_name_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", CALLS)
def test_every_call_has_one_row_with_an_example_and_what_it_costs(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
    example, cost = row
    assert f"labkit.{name}(" in example and cost
    compile(example.strip("`"), name, "eval" if "=" not in example.split("(")[0] else "exec")


def test_the_page_names_no_call_that_is_not_there() -> None:
    assert set(re.findall(r"labkit\.(\w+)\(", PAGE)) == set(CALLS)


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/labkit-in-a-notebook.md)" in (DOCS.parent / "README.md").read_text()
