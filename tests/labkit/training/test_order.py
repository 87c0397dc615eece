"""Which rows a step takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labkit.training.order import batch


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 2**31), st.integers(1, 5))
def test_each_epoch_takes_every_row_once(rows: int, size: int, seed: int, epochs: int):
    steps = -(-rows * epochs // size)
    taken = [row for step in range(steps) for row in batch(range(rows), size, step, seed)]

    for epoch in range(epochs):
        assert sorted(taken[epoch * rows : (epoch + 1) * rows]) == list(range(rows))


def test_it_follows_from_seed_and_step_alone():
    rows = list(range(50))

    assert batch(rows, 4, 17, 3) == batch(rows, 4, 17, 3)
    assert batch(rows, 4, 17, 3) != batch(rows, 4, 17, 4)
    assert len({tuple(batch(rows, 4, step, 3)) for step in range(12)}) == 12
