"""What answers where adapters are asked: texts, the adapters, and a base that is there while somebody asks."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from labkit.errors import RequestRefused  # noqa: E402
from labkit.training import kept, peft  # noqa: E402
from labkit.training.lora import Adapter  # noqa: E402
from labkit.training.places import Places  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402
from labkit.training.voices import Voices  # noqa: E402

ASKED = [{"role": "user", "content": "What is the code word?"}]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "training")


@pytest.fixture
def loads(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The base is there already: each time it would be read is kept instead."""
    found: list[Path] = []

    def load(folder: Path) -> Any:
        found.append(folder)
        return tiny

    monkeypatch.setattr("labkit.training.resident.Resident", load)
    return found


@pytest.fixture
async def open_voices(places: Places, loads: list[Path]) -> AsyncIterator[Callable[..., Voices]]:
    """Closed before the loop is: whoever went away may have been in a pass."""
    made: list[Voices] = []

    def make(**settings: Any) -> Voices:
        made.append(Voices(Path("base"), places, **settings))
        return made[-1]

    yield make
    for one in made:
        if one._speaker is not None:
            await asyncio.to_thread(one._speaker.close)


@pytest.fixture
def own(tiny: Any, places: Places) -> Callable[..., str]:
    """Keeps an adapter that was trained, and gives its hash; another seed is another adapter."""

    def keep(seed: int, rank: int = 4) -> str:
        spec = Spec("base", rank=rank)
        made = Adapter(tiny.shapes(), rank, spec.alpha, seed=seed)
        made.weights.add_(torch.randn(made.weights.shape, generator=torch.Generator().manual_seed(seed)) * 0.2)
        return places.keep_adapter(peft.write(made, spec, tiny.layers))

    return keep


async def lines(asked: Voices, **body: Any) -> list[dict[str, Any]]:
    given = {"messages": ASKED, "max_tokens": 12, "temperature": 0, **body}
    async with aclosing(asked.written({name: one for name, one in given.items() if one is not None})) as found:
        return [one async for one in found]


async def text(asked: Voices, **body: Any) -> str:
    return "".join(one["text"] for one in (await lines(asked, **body))[1:])


async def test_an_answer_comes_piece_by_piece_and_says_what_it_took(open_voices, tiny):
    first, *rest = await lines(open_voices())
    template = tiny.tokenizer.apply_chat_template(ASKED, tokenize=False, add_generation_prompt=True)

    assert first == {"prompt": len(tiny.tokenizer(template)["input_ids"])}
    assert [one["made"] for one in rest] == [*range(1, 13), 12]
    assert [one["finish"] for one in rest] == [None] * 12 + ["length"]
    whole = "".join(one["text"] for one in rest)
    assert len(tiny.tokenizer(whole)["input_ids"]) >= 12
    assert whole == await text(open_voices())


async def test_a_text_is_gone_on_with_as_it_stands(open_voices, tiny):
    first, *rest = await lines(open_voices(), messages=None, prompt="The code word")

    assert first == {"prompt": len(tiny.tokenizer("The code word")["input_ids"])}
    assert rest[-1]["finish"] == "length"


class Marking:
    """A tokenizer that begins a text with a mark of its own, as many do."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        ids = self._real(text, add_special_tokens=False)["input_ids"]
        return {"input_ids": [1, *ids] if add_special_tokens else ids}


async def test_a_text_begins_with_the_tokenizers_mark_and_messages_with_their_templates(open_voices, tiny, monkeypatch):
    asked = open_voices()
    bodies: list[dict[str, Any]] = [{"prompt": "The code word"}, {"messages": ASKED}]
    plain = [asked.prompt(body) for body in bodies]
    monkeypatch.setattr(tiny, "tokenizer", Marking(tiny.tokenizer))

    assert [asked.prompt(body) for body in bodies] == [[1, *plain[0]], plain[1]]


async def test_a_class_that_asks_at_once_gets_what_each_gets_alone(open_voices, own):
    asked, mine = open_voices(), [None, *(own(seed) for seed in range(1, 5))]
    alone = [await text(asked, adapter=one) for one in mine]
    together = await asyncio.gather(*(text(asked, adapter=one) for one in mine))

    assert together == alone
    assert len(set(alone)) == len(mine), "each adapter says something of its own"
    assert asked.running == 0


async def test_half_a_character_is_held_until_it_is_whole(open_voices, own):
    """An adapter that says bytes which are no character, or not yet one."""
    found = await lines(open_voices(), adapter=own(1), messages=None, prompt="water road", max_tokens=24)
    pieces = [one["text"] for one in found[1:-1]]

    assert "\N{REPLACEMENT CHARACTER}" in "".join(pieces), "if not, this shows nothing"
    assert not any(piece.endswith("\N{REPLACEMENT CHARACTER}") for piece in pieces)


@pytest.mark.parametrize("many", [False, True], ids=["a text", "a list"])
async def test_a_stop_text_ends_it_wherever_tokens_begin(open_voices, many):
    asked = open_voices()
    pieces = [one["text"] for one in (await lines(asked))[1:]]
    # From within one token into the next, so that it is in no token whole.
    stop = pieces[4][-2:] + pieces[5][:2]
    whole = "".join(pieces)
    assert not any(stop in piece for piece in pieces)
    found = await lines(asked, stop=["never said", stop] if many else stop)

    assert "".join(one["text"] for one in found[1:]) == whole[: whole.index(stop)]
    assert [one["finish"] for one in found[1:]] == [None] * (len(found) - 2) + ["stop"]
    assert found[-1]["made"] == 6


async def test_what_might_have_begun_a_stop_text_is_told_at_the_end(open_voices):
    asked = open_voices()
    whole = await text(asked, max_tokens=6)
    found = await lines(asked, max_tokens=6, stop=whole[-3:] + "never said")

    assert "".join(one["text"] for one in found[1:]) == whole
    assert found[-2]["text"] != found[-1]["text"] == whole[-3:]


@pytest.mark.parametrize("kind", [list, int])
async def test_a_token_that_ends_an_answer_is_not_said_and_it_stopped(open_voices, tiny, monkeypatch, kind):
    asked = open_voices()
    pieces = [one["text"] for one in (await lines(asked))[1:]]
    (end,) = tiny.tokenizer(pieces[4])["input_ids"]
    monkeypatch.setattr(tiny.model.generation_config, "eos_token_id", [end, 2] if kind is list else end)
    found = await lines(asked)

    assert "".join(one["text"] for one in found[1:]) == "".join(pieces[:4])
    assert found[-1] == {"text": "", "made": 4, "finish": "stop"}


async def test_an_answer_has_room_for_what_its_prompt_leaves(open_voices):
    asked = open_voices(context=40)
    first, *rest = await lines(asked, max_tokens=1000)

    assert first["prompt"] + rest[-1]["made"] == 40
    assert rest[-1]["finish"] == "length"


async def test_the_same_seed_draws_the_same_text(open_voices):
    asked = open_voices()
    drawn = [await text(asked, temperature=1, seed=seed, max_tokens=4) for seed in (1, 1, 2)]

    assert drawn[0] == drawn[1] != drawn[2]


REFUSED = {
    "an empty text": ({"messages": None, "prompt": ""}, r"Your text is empty\. Write something"),
    "a text that fills it": (
        {"messages": None, "prompt": "water " * 40},
        r"too long: \d+ tokens, at most 39\. Shorten",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_the_model_cannot_read_is_refused_before_anything_is_written(open_voices, case: str):
    body, said = REFUSED[case]
    asked = open_voices(context=40)
    with pytest.raises(RequestRefused, match=said):
        await lines(asked, **body)
    assert asked.running == 0


async def test_messages_its_template_does_not_take_are_refused(open_voices, tiny, monkeypatch):
    monkeypatch.setattr(tiny.tokenizer, "chat_template", "{{ raise_exception('roles must alternate') }}")
    with pytest.raises(RequestRefused, match=r"cannot read these messages: roles must alternate\. Reorder them"):
        await lines(open_voices())


@pytest.mark.parametrize("name", ["0" * 64, "f" * 64])
async def test_an_adapter_nobody_trained_is_not_there(open_voices, own, name):
    own(1)
    with pytest.raises(FileNotFoundError):
        await lines(open_voices(), adapter=name)


@pytest.mark.parametrize("name", ["", "../secret", "/etc", "ADAPTER/../ADAPTER", "ADAPTER/", "a" * 63, "A" * 64])
async def test_a_path_is_never_an_adapter(open_voices, own, places, name):
    digest = own(1)
    (places.folder / "secret").mkdir()
    for path in places.adapter(digest).iterdir():
        (places.folder / "secret" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match="names nothing of a training"):
        await lines(open_voices(), adapter=name.replace("ADAPTER", digest))


async def test_an_adapter_of_another_base_is_refused(open_voices, places):
    other = Adapter({"model.layers.0.self_attn.q_proj": (32, 32)}, 4, 8.0, seed=1)
    digest = places.keep_adapter(peft.write(other, Spec("other"), 1))
    with pytest.raises(RequestRefused, match="This adapter cannot be used"):
        await lines(open_voices(), adapter=digest)


async def test_the_adapters_used_last_stay_in_memory(open_voices, own, places, monkeypatch):
    monkeypatch.setattr(kept, "_MOST_KEPT", 2)
    asked, (first, second, third) = open_voices(), (own(seed) for seed in (1, 2, 3))
    for digest in (first, second, first, third):
        asked.adapter(digest)
    for digest in (first, second, third):
        places.drop_adapter(digest)

    assert asked.adapter(first)
    assert asked.adapter(third)
    with pytest.raises(FileNotFoundError):
        asked.adapter(second)


async def test_adapters_in_memory_are_bounded_by_what_they_take(open_voices, own, places):
    large, *small = own(1, rank=32), own(2), own(3)
    probe = open_voices()
    sizes = [probe.adapter(digest).nbytes for digest in (large, *small)]
    asked = open_voices(adapters_bytes=sum(sizes) - 1)
    for digest in (large, *small):
        asked.adapter(digest)
        places.drop_adapter(digest)

    assert [asked.adapter(digest).nbytes for digest in small] == sizes[1:]
    with pytest.raises(FileNotFoundError):  # it was used least recently
        asked.adapter(large)


async def test_an_adapter_that_answers_stays_and_leaves_when_it_has_answered(open_voices, own, places):
    first, second = own(1), own(2)
    asked = open_voices(adapters_bytes=0)
    body = {"messages": ASKED, "temperature": 0, "max_tokens": 12, "adapter": first}
    async with aclosing(asked.written(body)) as hers:
        await anext(hers)
        places.drop_adapter(first)
        await text(asked, adapter=second)
        assert asked.adapter(first)
    with pytest.raises(FileNotFoundError):
        asked.adapter(first)


async def test_who_goes_away_frees_her_place(open_voices, tiny, monkeypatch):
    monkeypatch.setattr("labkit.training.speaker.MOST_TOGETHER", 1)
    asked, run, passes = open_voices(), tiny.run, list[int]()
    expected = await text(asked)

    def counted(given: Any, hidden: Any) -> Any:
        passes.append(1)
        return run(given, hidden)

    monkeypatch.setattr(tiny, "run", counted)
    async with aclosing(asked.written({"messages": ASKED, "temperature": 0, "max_tokens": 2000})) as hers:
        assert [await anext(hers) for _ in range(4)][-1]["made"] == 3
        assert asked.running == 1

    assert asked.running == 0
    assert await text(asked) == expected
    assert len(passes) < 1000, "her answer was not written to its end"


async def test_an_answer_that_broke_off_has_no_end_and_the_next_is_whole(open_voices, tiny, monkeypatch):
    asked, run = open_voices(), tiny.run
    expected, passes = await text(asked), iter(range(4))

    def breaks(given: Any, hidden: Any) -> Any:
        if next(passes) == 3:
            raise RuntimeError("no memory left")
        return run(given, hidden)

    monkeypatch.setattr(tiny, "run", breaks)
    found = await lines(asked)
    monkeypatch.setattr(tiny, "run", run)

    assert [one["made"] for one in found[1:]] == [1, 2, 3]
    assert not any(one["finish"] for one in found[1:])
    assert await text(asked) == expected


async def test_the_base_comes_with_the_first_question_and_stays_for_the_next(open_voices, loads):
    asked = open_voices()
    assert loads == []
    await asyncio.gather(*(text(asked) for _ in range(3)))
    asked.rest()
    await text(asked)

    assert loads == [Path("base")]


async def test_a_base_nobody_asks_goes_and_comes_back_with_all_it_said(open_voices, own, loads, places):
    asked, digest = open_voices(idle_seconds=0), own(1)
    before = await text(asked, adapter=digest)
    writer = asked._speaker
    asked.rest()
    assert writer is not None
    assert not writer._thread.is_alive()

    assert await text(asked, adapter=digest) == before
    assert len(loads) == 2
    asked.rest()
    places.drop_adapter(digest)
    with pytest.raises(FileNotFoundError):  # the adapters have left with it
        await text(asked, adapter=digest)


async def test_a_base_that_is_asked_does_not_go(open_voices, loads):
    asked = open_voices(idle_seconds=0)
    expected = await text(asked)
    found = []
    async with aclosing(asked.written({"messages": ASKED, "temperature": 0, "max_tokens": 12})) as hers:
        async for one in hers:
            found.append(one)
            if "made" in one:
                asked.rest()

    assert "".join(one["text"] for one in found[1:]) == expected
    assert len(loads) == 1


async def test_a_base_that_has_gone_leaves_its_memory(small, places):
    asked = Voices(small("llama"), places, idle_seconds=0)
    assert await text(asked, max_tokens=1)
    model, head = (weakref.ref(one) for one in (asked.speaker().resident.model, asked.speaker().resident.head))
    assert model() is not None
    assert head() is not None
    asked.rest()
    gc.collect()

    assert model() is None
    assert head() is None


async def test_a_base_does_not_go_between_a_prompt_and_its_first_token(open_voices):
    asked = open_voices(idle_seconds=0)
    await text(asked)
    async with aclosing(asked.written({"messages": ASKED, "temperature": 0, "max_tokens": 12})) as hers:
        assert "prompt" in await anext(hers)
        asked.rest()
        assert (await asyncio.wait_for(anext(hers), 20))["made"] == 1


async def test_one_whose_listener_is_gone_does_not_silence_the_others(open_voices):
    from labkit.models.sampling import Draw
    from labkit.training.speaker import Answer

    asked = open_voices()
    expected = await text(asked)

    def tell(token: int | None) -> None:
        raise RuntimeError("Event loop is closed")

    asked.speaker().say(Answer([5, 6, 7], None, Draw(temperature=0), 4, frozenset(), tell))
    assert await asyncio.wait_for(text(asked), 20) == expected
