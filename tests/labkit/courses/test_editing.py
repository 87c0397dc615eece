"""A lab opened as a notebook and saved is the same bytes; a cell that was edited changes its own lines alone."""

from __future__ import annotations

import copy
import difflib
import json
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.courses.editing import NotALab, to_notebook, to_text

PROJECT = Path(__file__).parents[3]
TEXTS = sorted([*(PROJECT / "courses").glob("*/*/lab*.py"), PROJECT / "src/labkit/courses/template/lab.py.txt"])
IDS = [f"{path.parent.name}/{path.name}" for path in TEXTS]
CELLS = [
    pytest.param(path, number, id=f"{path.parent.name}/{path.name}:{number}")
    for path in TEXTS
    for number in range(len(to_notebook(path.read_text("utf-8"))["cells"]))
]


def through_a_browser(notebook: dict) -> dict:
    """As JupyterLab sends back what it was given."""
    return json.loads(json.dumps(notebook))


@pytest.mark.parametrize("path", TEXTS, ids=IDS)
def test_opening_and_saving_changes_no_byte(path: Path):
    text = path.read_bytes().decode()
    notebook = to_notebook(text)
    nbformat.validate(nbformat.from_dict(notebook))
    assert to_text(through_a_browser(notebook)) == text


@pytest.mark.parametrize(("path", "number"), CELLS)
def test_after_editing_one_cell_only_its_lines_differ(path: Path, number: int):
    text = path.read_bytes().decode()
    notebook = through_a_browser(to_notebook(text))
    cell = notebook["cells"][number]
    raw = cell["metadata"]["labkit_text"]["raw"]
    cell["source"] += "\nsomething new" if cell["source"] else "something new"
    before, after = text.splitlines(), to_text(notebook).splitlines()
    above = "".join(one["metadata"]["labkit_text"]["raw"] for one in notebook["cells"][:number])
    start = above.count("\n")
    changed = [
        op for op in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes() if op[0] != "equal"
    ]
    added = "# something new" if cell["cell_type"] == "markdown" else "something new"

    assert [after[op[3] : op[4]] for op in changed] == [[added]]
    assert all(start <= op[1] <= start + raw.count("\n") + 1 for op in changed)
    # And what is written shows what she wrote.
    assert to_notebook(to_text(notebook))["cells"][number]["source"] == cell["source"]


LINES = st.sampled_from(
    [
        *(
            "# %%",
            "# %% demo",
            "# %% [markdown]",
            '# %% test="a" points=2 hidden',
            '# %% [markdown] answer="b" points=5',
        ),
        *(
            '# %% solution="c"',
            "#  %% odd",
            "#%%",
            "# %%  [markdown]  ",
            "# %%x",
            "",
            "  ",
            "#",
            "# ",
            "# text",
            "#text",
        ),
        *(
            "x = 1",
            "    y",
            "### BEGIN SOLUTION",
            "# # Title",
            "\t",
            "# %% [markdown] [markdown]",
            "<!-- a=1 -->",
            "%magic",
        ),
        *("# trailing  ", "# ---", "# jupyter:", "é ± \U0001f600", "\x0c", "\u2028"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(LINES, max_size=14), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_text_comes_back_as_it_was(lines, end, ended):
    text = end.join(["# %%", *lines]) + (end if ended else "")
    notebook = to_notebook(text)
    nbformat.validate(nbformat.from_dict(notebook))
    assert to_text(through_a_browser(notebook)) == text


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["code", "markdown"]), st.text("ab#% \n<!->=\"'", max_size=30)), min_size=1))
def test_whatever_is_written_in_a_notebook_is_kept_as_text(cells):
    made = {"cells": [{"cell_type": kind, "metadata": {}, "source": source} for kind, source in cells], "metadata": {}}
    text = to_text(made)
    assert to_text(through_a_browser(to_notebook(text))) == text


def test_headers_are_seen_and_can_be_written_and_changed():
    notebook = to_notebook('# %% [markdown] answer="why" points=5\n# Why?\n\n# %% test="t" points=2 hidden\nassert x\n')
    why, test = notebook["cells"]
    assert why["source"] == '<!-- answer="why" points=5 -->\nWhy?'
    assert test["source"] == '# %% test="t" points=2 hidden\nassert x'
    test["source"] = test["source"].replace("points=2", "points=3")
    why["source"] = why["source"].replace("why", "how").replace("Why", "How")
    new = {"cell_type": "code", "metadata": {}, "source": "# %% demo\nx"}
    plain = {"cell_type": "markdown", "metadata": {}, "source": "## Next\n\nGo on."}
    notebook["cells"] = [why, plain, test, new]
    assert to_text(notebook) == (
        '# %% [markdown] answer="how" points=5\n# How?\n\n# %% [markdown]\n# ## Next\n#\n# Go on.\n\n'
        '# %% test="t" points=3 hidden\nassert x\n# %% demo\nx\n\n'
    )


def test_a_cell_that_is_copied_split_or_moved_is_what_it_shows():
    notebook = through_a_browser(to_notebook("# %%\na = 1\nb = 2\n\n# %% [markdown]\n# # T"))
    first, second = notebook["cells"]
    half = copy.deepcopy(first)
    first["source"], half["source"] = "a = 1", "b = 2"
    notebook["cells"] = [second, first, half, copy.deepcopy(half)]
    assert to_text(notebook) == "# %% [markdown]\n# # T\n# %%\na = 1\n\n# %%\nb = 2\n\n# %%\nb = 2\n\n"


def test_what_is_no_lab_is_refused_in_words():
    with pytest.raises(NotALab, match="before the first"):
        to_notebook("import os\n# %%\n")
    with pytest.raises(NotALab, match="raw cell"):
        to_text({"cells": [{"cell_type": "raw", "metadata": {}, "source": "x"}], "metadata": {}})


@pytest.mark.parametrize(
    "metadata", [{}, {"labkit_text": 3}, {"labkit_text": {"raw": 3}}, {"labkit_text": {"raw": "x"}}]
)
def test_metadata_that_somebody_changed_costs_nothing(metadata):
    cells = [{"cell_type": "code", "metadata": metadata, "source": ["x = 1\n", "y"]}]
    assert to_text({"cells": cells, "metadata": {"labkit_text": "x"}}).startswith("# %%\nx = 1\ny\n")
