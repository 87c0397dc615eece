"""A lab with `attempts` takes so many different submissions of a learner, and not one more."""

import threading
from pathlib import Path

import pytest

from labkit.errors import AttemptsSpent
from labkit.submissions.store import Store


def hand_in(store: Store, number: int, most: int | None = 2, who: str = "ana", lab: str = "clip"):
    return store.receive(who, "testing", lab, {"clip.ipynb": str(number).encode()}, [], most)


def test_one_more_is_refused_with_what_to_do_and_nothing_of_it_is_kept(store: Store, tmp_path: Path):
    for number in range(2):
        hand_in(store, number)
    kept = sorted((tmp_path / "blobs").rglob("*"))
    with pytest.raises(AttemptsSpent, match=r"2 times, of 2 .* newest of them counts. Ask your instructor"):
        hand_in(store, 2)
    assert len(store.of_person("ana")) == 2
    assert sorted((tmp_path / "blobs").rglob("*")) == kept


def test_the_same_bytes_again_cost_nothing_and_get_the_same_receipt(store: Store):
    first, _ = hand_in(store, 0)
    assert hand_in(store, 0) == (first, False)
    hand_in(store, 1)
    assert hand_in(store, 0) == (first, False)


def test_another_learner_another_lab_and_one_without_a_limit_are_not_counted(store: Store):
    for number in range(2):
        hand_in(store, number)
    for other in ({"who": "ben"}, {"lab": "linear"}, {"most": None}):
        assert hand_in(store, 2, **other)[1]


@pytest.mark.parametrize("again", range(3))
def test_of_many_at_once_only_the_last_allowed_is_taken(store: Store, again: int):
    outcomes, start = [], threading.Barrier(8)

    def one(number: int) -> None:
        start.wait()
        try:
            outcomes.append(hand_in(store, number, most=3)[1])
        except AttemptsSpent:
            outcomes.append(None)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count(True), outcomes.count(None)) == (3, 5)
    assert len(store.of_person("ana")) == 3
