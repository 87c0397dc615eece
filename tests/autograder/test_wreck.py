"""What is emptied, and what is left alone."""

from collections import deque

import numpy as np
import pytest

from autograder.wreck import empty


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, deque([1]), bytearray(b"a")])
def test_containers_are_emptied(value):
    empty(value)

    assert len(value) == 0


def test_arrays_are_zeroed_and_tables_lose_their_rows():
    pandas = pytest.importorskip("pandas")
    array, table = np.ones(3), pandas.DataFrame({"a": [1]})
    empty(array)
    empty(table)

    assert array.tolist() == [0, 0, 0]
    assert len(table) == 0


def test_what_stands_in_a_tuple_is_emptied():
    inner = [1]
    empty((inner, 2))

    assert inner == []


@pytest.mark.parametrize("value", [1, "a", None, 2.5, b"a", frozenset((1,)), np.array(["a"])])
def test_what_cannot_change_is_left_alone(value):
    before = repr(value)
    empty(value)

    assert repr(value) == before


@pytest.mark.model
def test_tensors_are_zeroed_even_where_they_want_a_gradient():
    import torch

    tensor = torch.ones(2, requires_grad=True)
    empty(tensor)

    assert tensor.tolist() == [0, 0]
