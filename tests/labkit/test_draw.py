"""Hidden items: each learner's own, the same whenever she is graded, and of every kind as many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.draw import OPEN, draw, key_for, settle

POOL: list[dict[str, Any]] = [
    {"text": f"{kind} {language} {number}", "kind": kind, "language": language}
    for kind in ("praise", "question")
    for language in ("en", "fil")
    for number in range(12)
]


@pytest.fixture(autouse=True)
def open_again() -> Iterator[None]:
    settle(OPEN)
    yield
    settle(OPEN)


def drawn(key: str, pool: list[dict[str, Any]] = POOL, each: int = 4) -> list[str]:
    settle(key)
    return [item["text"] for item in draw(pool, each, by=("kind", "language"))]


def test_of_every_kind_as_many_are_drawn() -> None:
    counts = Counter((item["kind"], item["language"]) for item in draw(POOL, 4, by=("kind", "language")))
    assert set(counts.values()) == {4}
    assert len(counts) == 4


def test_the_same_learner_gets_the_same_items_and_another_gets_others() -> None:
    ana, ben = (key_for(b"secret", "prompting", "triage", name) for name in ("ana", "ben"))
    assert drawn(ana) == drawn(ana)
    assert set(drawn(ana)) != set(drawn(ben))


@pytest.mark.parametrize("changed", ["secret", "course", "lab", "learner"])
def test_her_key_depends_on_everything_it_is_made_of(changed: str) -> None:
    given = {"secret": b"s", "course": "c", "lab": "l", "learner": "n"}
    other = {**given, changed: b"x" if changed == "secret" else "x"}
    assert key_for(**given) != key_for(**other)  # type: ignore[arg-type]


def test_names_that_run_together_make_different_keys() -> None:
    assert key_for(b"s", "ab", "c", "d") != key_for(b"s", "a", "bc", "d")


@given(st.permutations(range(len(POOL))))
def test_neither_who_is_drawn_nor_the_order_depends_on_the_pools_order(order: list[int]) -> None:
    assert drawn("key", [POOL[at] for at in order]) == drawn("key")


@given(st.text(min_size=1))
def test_an_item_more_changes_at_most_one_of_its_kind(text: str) -> None:
    more = {"text": f"new {text}", "kind": "praise", "language": "en"}
    assert len(set(drawn("key")) - set(drawn("key", [*POOL, more]))) <= 1


def test_over_many_learners_every_item_has_its_turn() -> None:
    counts = Counter(text for number in range(300) for text in drawn(str(number)))
    assert len(counts) == len(POOL)
    assert max(counts.values()) < 2 * min(counts.values())


def test_a_pool_that_is_too_small_and_an_item_that_is_there_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="the pool has 12 items of"):
        draw(POOL, 13, by=("kind", "language"))
    with pytest.raises(ValueError, match="twice"):
        draw([*POOL, POOL[0]], 1, by=("kind",))
