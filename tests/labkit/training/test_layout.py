"""What rows of one owner begin with alike is computed once, and every token is where it is looked for."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from labkit.training.layout import lay_out  # noqa: E402

ROWS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), min_size=1, max_size=5)


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_every_token_of_every_row_is_found_where_it_lies(groups):
    layout = lay_out([(group, None) for group in groups])
    rows = [row for group in groups for row in group]

    for where, row in zip(layout.rows, rows, strict=True):
        assert [int(layout.line.ids[where.of(place)]) for place in range(len(row))] == row


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_what_is_known_of_rows_is_put_where_their_tokens_lie(groups):
    layout = lay_out([(group, None) for group in groups])
    rows = [torch.tensor(row, dtype=torch.float32)[:, None] for group in groups for row in group]
    found = layout.collect(rows)

    assert found.shape == (len(layout.line.ids), 1)
    assert torch.equal(found[:, 0].long(), layout.line.ids)


def test_a_common_beginning_is_there_once():
    same = list(range(10, 30))
    layout = lay_out([([[*same, 1], [*same, 2, 3], [*same, 4]], None), ([[*same, 5]], None)])

    assert len(layout.line.ids) == 20 + 1 + 2 + 1 + 21, "groups share nothing: their owners see with other weights"
    assert layout.line.starts[:4] == [0, 20, 20, 20]


def test_a_few_tokens_are_not_worth_a_segment():
    assert len(lay_out([([[1, 2, 3, 4], [1, 2, 3, 5]], None)]).line.ids) == 8


def test_rows_that_are_the_same_keep_a_token_each():
    layout = lay_out([([list(range(9))] * 3, None)])

    assert [where.length for where in layout.rows] == [9, 9, 9]
    assert [where.shared for where in layout.rows] == [8, 8, 8]
