"""What is emptied, and what is left alone."""

from collections import deque

import numpy as np
import pytest

from autograder.wreck import wreck


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, deque([1]), bytearray(b"a")])
def test_containers_are_emptied(value):
    wreck("empty", value)

    assert len(value) == 0


def test_arrays_are_zeroed_and_tables_lose_their_rows():
    pandas = pytest.importorskip("pandas")
    array, table = np.ones(3), pandas.DataFrame({"a": [1]})
    wreck("empty", array)
    wreck("empty", table)

    assert array.tolist() == [0, 0, 0]
    assert len(table) == 0


def test_what_stands_in_a_tuple_is_emptied():
    inner = [1]
    wreck("empty", (inner, 2))

    assert inner == []


@pytest.mark.parametrize("value", [1, "a", None, 2.5, b"a", frozenset((1,)), np.array(["a"])])
def test_what_cannot_change_is_left_alone(value):
    before = repr(value)
    wreck("empty", value)

    assert repr(value) == before


@pytest.mark.model
def test_tensors_are_zeroed_even_where_they_want_a_gradient():
    import torch

    tensor = torch.ones(2, requires_grad=True)
    wreck("empty", tensor)

    assert tensor.tolist() == [0, 0]


def test_a_spike_is_left_where_zeros_would_make_a_sum_or_length_nothing():
    pandas = pytest.importorskip("pandas")
    numbers, array, column = [3, 4.5, 1], np.full((2, 2), 7.0), pandas.Series([2, 3])
    for value in (numbers, array, column):
        wreck("spike", value)

    assert (numbers, array.tolist(), column.tolist()) == ([1, 0, 0], [[1, 0], [0, 0]], [1, 0])
