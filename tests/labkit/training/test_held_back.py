"""What is held back to see whether something was learned."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labkit.training.held_back import split


@given(st.integers(2, 60), st.floats(0.01, 0.9), st.integers(0, 1000))
def test_every_row_is_on_one_side_and_both_have_some(count: int, share: float, seed: int):
    rows = [{"messages": [number]} for number in range(count)]
    learned, held = split(rows, share, seed)

    assert sorted(row["messages"][0] for row in learned + held) == list(range(count))
    assert learned
    assert held
    assert abs(len(held) - share * count) <= 1 or len(learned) == 1


def test_rows_that_are_alike_are_on_one_side():
    rows = [{"messages": [number % 5]} for number in range(50)]
    learned, held = split(rows, 0.3, 1)

    assert not {row["messages"][0] for row in learned} & {row["messages"][0] for row in held}


def test_one_row_is_learned_and_none_held_back():
    assert split([{"messages": [1]}], 0.5, 0) == ([{"messages": [1]}], [])


def test_of_no_share_none_is_held_back():
    assert split([1, 2, 3], 0, 0) == ([1, 2, 3], [])
