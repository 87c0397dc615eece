"""What is written is read back as the same, whatever a cell holds."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.courses.header import escaped, looks_like_header, unescaped
from labkit.courses.imports.made import Made
from labkit.courses.imports.report import Notes
from labkit.courses.imports.text import text
from labkit.courses.text import read_cells

LINE = st.one_of(
    st.sampled_from(
        [
            *(
                "# %% demo",
                "#%%",
                "#   %% x",
                "%%time",
                "  %%time",
                "# \\%%",
                "\\%%",
                "\\\\%% x",
                "#",
                "",
                "  ",
                "# # %%",
            ),
            *("x = '\x0c'", "y\u2028z", "a\x85b", "\x1c", "a  ", "\ttab", "# %% [markdown]", 'test="x" points=3'),
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=12),
)
KIND = st.sampled_from(["prose", "code", "demo", "answer", "test"])


def made(kind: str, source: str, number: int) -> Made:
    named = {"name": f"n{number}", "points": 1.5} if kind in ("answer", "test") else {}
    return Made(kind, source, "", Notes(""), **named)


@given(st.lists(st.tuples(KIND, st.lists(LINE, max_size=6)), min_size=1, max_size=5))
def test_every_cell_comes_back_as_it_was(tmp_path_factory, cells):
    given_cells = [made(kind, "\n".join(lines), number) for number, (kind, lines) in enumerate(cells)]
    path = Path(tmp_path_factory.mktemp("text")) / "lab.py"
    path.write_text(text(given_cells), "utf-8")

    for before, after in zip(given_cells, read_cells(path), strict=True):
        assert (after.kind, after.name, after.points) == (before.kind, before.name, before.points)
        assert after.source == before.source.strip("\n").rstrip()


@given(LINE)
def test_an_escaped_line_is_no_header_and_nothing_of_it_is_lost(line):
    assert not looks_like_header(escaped(line))
    assert unescaped(escaped(line)) == line


@pytest.mark.parametrize("points", [1, 0.5, 0.001, 9999.999, 100, 10, 2.25])
def test_points_are_written_so_that_they_are_read(tmp_path, points):
    path = tmp_path / "lab.py"
    path.write_text(text([Made("test", "assert x", "", Notes(""), "t", points, hidden=True)]))

    assert [(one.points, one.hidden) for one in read_cells(path)] == [(points, True)]
