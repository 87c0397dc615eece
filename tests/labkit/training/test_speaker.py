"""Many answers are written at once, each with its own adapter, and each says what it says alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from labkit.models.sampling import Draw  # noqa: E402
from labkit.training import speaker as room  # noqa: E402
from labkit.training.lora import Adapter  # noqa: E402
from labkit.training.resident import line  # noqa: E402
from labkit.training.speaker import Answer, Speaker  # noqa: E402

LIKELIEST = Draw(temperature=0)
# One token, less than a pass's piece, a piece to the token, and more than two.
LENGTHS = (1, 7, 40, 256, 530)


class Said:
    """What an answer tells. `at` is what happens when it has told so many tokens, in the speaker's thread."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.at: dict[int, Callable[[], object]] = {}
        self.ended: Queue[None] = Queue()

    def __call__(self, token: int | None) -> None:
        if token is None:
            self.ended.put(None)
            return
        self.tokens.append(token)
        self.at.get(len(self.tokens), lambda: None)()

    def all(self) -> list[int]:
        """Once it is over."""
        self.ended.get(timeout=120)
        return self.tokens


@pytest.fixture
def speaker(tiny: Any) -> Iterator[Speaker]:
    running = Speaker(tiny)
    yield running
    running.close()


@pytest.fixture(scope="module")
def adapters(tiny: Any) -> list[Adapter]:
    """Three that were trained, different in everything; the last changes the upper layer only."""
    made = [
        Adapter(tiny.shapes(), 4, 16.0, seed=1),
        Adapter(tiny.shapes(("q_proj", "v_proj")), 8, 64.0, seed=2),
        Adapter(tiny.shapes(first_layer=2), 2, 8.0, seed=3),
    ]
    for seed, one in enumerate(made):
        one.weights.add_(torch.randn(one.weights.shape, generator=torch.Generator().manual_seed(seed)) * 0.2)
    return made


def prompt(length: int, seed: int = 0) -> list[int]:
    return torch.randint(1000, 40000, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def answer(
    ids: list[int],
    adapter: Adapter | None = None,
    most: int = 6,
    draw: Draw = LIKELIEST,
    ends: frozenset[int] = frozenset(),
) -> tuple[Answer, Said]:
    said = Said()
    return Answer(ids, adapter, draw, most, ends, said), said


def alone(speaker: Speaker, *given: Any, **more: Any) -> list[int]:
    one, said = answer(*given, **more)
    speaker.say(one)
    return said.all()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("whose", [None, 0, 1, 2], ids=["base", "all layers", "two projections", "upper layer"])
def test_it_writes_what_the_model_says_of_the_whole_text(tiny, speaker, adapters, whose, length):
    """Read at once, without pieces and without a memory, each token is the likeliest after those before it."""
    adapter = None if whose is None else adapters[whose]
    ids = prompt(length)
    written = alone(speaker, ids, adapter)
    with torch.no_grad():
        given = line([([*ids, *written], adapter)])
        hidden = tiny.run(given, tiny.embed(given))[length - 1 : length + len(written) - 1]

    assert (hidden @ tiny.head.t()).argmax(dim=1).tolist() == written
    assert len(written) == 6


def test_each_adapter_says_something_of_its_own(speaker, adapters):
    written = {tuple(alone(speaker, prompt(40), adapter)) for adapter in (None, *adapters)}

    assert len(written) == 4


@pytest.mark.parametrize(
    ("draw", "many"), [(LIKELIEST, room.MOST_TOGETHER), (Draw(seed=7), 6)], ids=["the likeliest", "drawn by a seed"]
)
def test_answers_written_at_once_say_what_each_says_alone(speaker, adapters, draw, many):
    asked = [
        (prompt(length, seed), adapter)
        for seed, length in enumerate(reversed(LENGTHS))
        for adapter in (None, *adapters)
        if length < 500 or adapter is not None
    ][:many]
    expected = [alone(speaker, *one, draw=draw) for one in asked]
    together = [answer(*one, draw=draw) for one in asked]
    for one, _ in together:
        speaker.say(one)

    assert [said.all() for _, said in together] == expected


def test_another_seed_draws_another_answer_and_the_same_the_same(speaker):
    first, again, other = (alone(speaker, prompt(7), draw=Draw(seed=seed)) for seed in (1, 1, 2))

    assert first == again != other


def test_answers_join_and_leave_while_others_are_written(speaker, adapters):
    """The second comes at the first's fourth token, with a long prompt; the third ends while both go on."""
    texts = [prompt(20, 1), prompt(400, 2), prompt(3, 3)]
    expected = [alone(speaker, ids, adapter, most=12) for ids, adapter in zip(texts, adapters, strict=True)]
    (first, said_first), (second, said_second) = (answer(texts[place], adapters[place], most=12) for place in (0, 1))
    third, said_third = answer(texts[2], adapters[2], most=2)
    said_first.at = {4: lambda: speaker.say(second)}
    said_second.at = {1: lambda: speaker.say(third)}
    speaker.say(first)

    assert said_first.all() == expected[0]
    assert said_second.all() == expected[1]
    assert said_third.all() == expected[2][:2]


def test_a_long_prompt_does_not_hold_up_who_is_being_answered(speaker):
    """While it is read, piece by piece, the other's tokens go on coming."""
    reading, said_reading = answer(prompt(4 * 256), most=1)
    writing, said_writing = answer(prompt(3), most=10)
    told_before: list[int] = []
    said_writing.at = {1: lambda: speaker.say(reading)}
    said_reading.at = {1: lambda: told_before.append(len(said_writing.tokens))}
    speaker.say(writing)
    said_writing.all()
    said_reading.all()

    assert told_before[0] >= 4


def test_no_more_are_written_at_once_than_there_is_room_for_and_who_gives_up_makes_room(speaker, monkeypatch):
    monkeypatch.setattr(room, "MOST_TOGETHER", 2)
    expected, order = alone(speaker, prompt(5, 3)), list[str]()
    (leaves, said_leaves), (stays, said_stays) = (answer(prompt(5, seed), most=10**6) for seed in (1, 2))
    waits, said_waits = answer(prompt(5, 3))

    def others() -> None:
        for one in (stays, waits):
            speaker.say(one)

    def give_up() -> None:
        order.append("given up")
        leaves.given_up = True

    said_leaves.at = {1: others, 5: give_up}
    said_waits.at = {1: lambda: order.append("begun")}
    speaker.say(leaves)

    assert said_waits.all() == expected
    stays.given_up = True
    assert order == ["given up", "begun"]
    assert len(said_stays.tokens) > 4, "it went on meanwhile"
    assert len(said_leaves.tokens) == 5, "who has given up is told nothing more"
    assert said_leaves.ended.empty()


@pytest.mark.parametrize("most", [1, 5])
def test_it_ends_after_so_many_tokens(speaker, most):
    assert alone(speaker, prompt(9), most=most) == alone(speaker, prompt(9), most=8)[:most]


def test_a_token_that_ends_it_is_not_told(speaker):
    whole = alone(speaker, prompt(9), most=8)
    one, said = answer(prompt(9), most=8, ends=frozenset({whole[3], 2}))
    assert whole[3] not in whole[:3]
    speaker.say(one)

    assert said.all() == whole[:3]
    assert not one.failed
    assert said.ended.empty(), "the end is told once"


def test_what_was_said_before_is_counted_for_penalties(speaker, adapters):
    plain = alone(speaker, prompt(40), adapters[1], most=24)
    varied = alone(
        speaker,
        prompt(40),
        adapters[1],
        most=24,
        draw=Draw(temperature=0, presence_penalty=2.0, frequency_penalty=2.0),
    )
    assert len(set(plain)) < len(plain)
    assert len(set(varied)) == len(varied)


def test_a_pass_that_fails_ends_every_answer_of_it_as_failed_and_the_next_works(
    tiny, speaker, adapters, monkeypatch, caplog
):
    expected = alone(speaker, prompt(7), adapters[0])
    run = tiny.run

    def breaks(given: Any, hidden: Any) -> Any:
        if sum(one is not None for one in given.memories) == 2:
            raise RuntimeError("no memory left")
        return run(given, hidden)

    monkeypatch.setattr(tiny, "run", breaks)
    (first, said_first), (second, said_second) = (answer(prompt(7, seed), most=10**6) for seed in (1, 2))
    said_first.at = {3: lambda: speaker.say(second)}
    speaker.say(first)

    assert len(said_first.all()) == 3
    assert said_second.all() == []
    assert first.failed
    assert second.failed
    assert "A pass over 2 answers failed" in caplog.text
    assert alone(speaker, prompt(7), adapters[0]) == expected


def test_an_answer_that_is_given_up_before_its_turn_is_never_begun(speaker):
    one, said = answer(prompt(7))
    one.given_up = True
    speaker.say(one)

    assert alone(speaker, prompt(7))  # by now its turn has come
    assert said.tokens == []
    assert one.memory.tokens == 0


def test_it_ends_when_it_is_closed(tiny):
    running = Speaker(tiny)
    assert alone(running, prompt(7))
    running.close()

    assert not running._thread.is_alive()
