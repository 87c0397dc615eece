"""The log-probabilities and their gradient against torch's own, slice by slice."""

from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from labkit.training.losses import _slices, log_probabilities, preference  # noqa: E402


@pytest.mark.parametrize("places", [1, 3, 7, 8, 9, 100, 255, 256, 257, 600])
def test_they_are_those_of_a_whole_softmax_with_its_gradient(places: int):
    draw = torch.Generator().manual_seed(places)
    hidden = torch.randn(places, 24, generator=draw, requires_grad=True)
    head, targets = torch.randn(50, 24, generator=draw), torch.randint(50, (places,), generator=draw)
    weights = torch.rand(places, generator=draw)

    ours = log_probabilities(hidden, head, targets)
    (ours * weights).sum().backward()
    mine, hidden.grad = hidden.grad, None
    theirs = torch.log_softmax(hidden @ head.t(), dim=-1)[torch.arange(places), targets]
    (theirs * weights).sum().backward()

    assert torch.allclose(ours, theirs, atol=1e-5)
    assert torch.allclose(mine, hidden.grad, atol=1e-5)


def test_without_a_gradient_they_are_the_same():
    hidden, head, targets = torch.randn(12, 8), torch.randn(20, 8), torch.randint(20, (12,))
    wanted = log_probabilities(hidden.clone().requires_grad_(), head, targets).detach()
    with torch.no_grad():
        assert torch.equal(log_probabilities(hidden, head, targets), wanted)


@pytest.mark.parametrize("size", [8, 255, 256, 300, 511, 512, 513, 2000])
def test_no_slice_is_short_and_none_is_lost(size: int):
    whole = torch.arange(size)
    found = _slices(whole)

    assert torch.equal(torch.cat(found), whole)
    assert all(len(one) >= min(size, 256) for one in found)


def test_a_preference_without_a_difference_costs_ln_2():
    same = torch.tensor([-5.0])

    assert float(preference(same, same, torch.tensor([0.0]), 0.1)) == pytest.approx(math.log(2))
    assert float(preference(same + 3, same + 3, torch.tensor([0.0]), 0.1)) == pytest.approx(math.log(2))


def test_a_preference_falls_as_the_better_answer_gains_over_the_base():
    costs = [
        float(preference(torch.tensor([gain]), torch.tensor([0.0]), torch.tensor([1.0]), 0.5)) for gain in (0, 1, 2)
    ]

    assert costs[0] > costs[1] > costs[2]
    assert costs[1] == pytest.approx(math.log(2)), "as much as the base prefers it already is no gain"
