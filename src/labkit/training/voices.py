"""What answers in the adapters' process: the base, there while somebody asks, and the adapters that were used last."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from labkit.errors import RequestRefused
from labkit.models.sampling import Draw, Text
from labkit.training.kept import MOST_BYTES, Kept
from labkit.training.places import Places

if TYPE_CHECKING:  # torch comes with the first question
    from labkit.training.lora import Adapter
    from labkit.training.speaker import Speaker

_DRAWN = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")


class Voices:
    """`base` is the folder of the base's safetensors; an answer and its prompt have at most `context` tokens.

    Adapters stay in memory until others are used and they would take more than `adapters_bytes`.
    """

    def __init__(
        self,
        base: Path,
        places: Places,
        context: int = 2048,
        idle_seconds: float = 600.0,
        adapters_bytes: int = MOST_BYTES,
    ) -> None:
        self.base, self._places, self._context, self._idle = base, places, context, idle_seconds
        self._lock, self._used = threading.Lock(), time.monotonic()
        self._speaker: Speaker | None = None
        self._kept = Kept(self._read, adapters_bytes)
        self.running = 0

    def speaker(self) -> Speaker:
        from labkit.training.resident import Resident
        from labkit.training.speaker import Speaker

        with self._lock:
            self._used = time.monotonic()
            if self._speaker is None:
                self._speaker = Speaker(Resident(self.base))
            return self._speaker

    def adapter(self, digest: str | None) -> Adapter | None:
        """Raises RequestRefused for what is no adapter of this base, FileNotFoundError where there is none."""
        return None if digest is None else self._kept.get(digest)

    def _read(self, digest: str) -> Adapter:
        from labkit.training import peft

        return peft.read(self._places.read_adapter(digest), self.speaker().resident.shapes())

    def rest(self) -> None:
        """Lets the base go if nobody has asked for long."""
        with self._lock:
            idle = time.monotonic() - self._used > self._idle
            if self._speaker is None or self.running or not idle:
                return
            self._speaker.close()
            self._speaker = None
            self._kept.clear()
        gc.collect()

    def prompt(self, body: Mapping[str, Any]) -> list[int]:
        from jinja2 import TemplateError

        tokenizer = self.speaker().resident.tokenizer
        chat = "messages" in body
        try:
            text = body.get("prompt", "")
            if chat:
                text = tokenizer.apply_chat_template(body["messages"], tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            raise RequestRefused(f"The model cannot read these messages: {error}.", instead="Reorder them.") from error
        ids: list[int] = tokenizer(text, add_special_tokens=not chat)["input_ids"]
        if not ids:
            raise RequestRefused("Your text is empty.", instead="Write something.")
        if len(ids) >= self._context:
            most = self._context - 1
            raise RequestRefused(f"Your text is too long: {len(ids)} tokens, at most {most}.", instead="Shorten it.")
        return ids

    async def written(self, body: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """{"prompt"}, then what each token adds. Whoever closes this ends the writing."""
        self.running += 1  # from the very first: the base stays until the last word, and so does the adapter
        digest = body.get("adapter")
        try:
            with nullcontext() if digest is None else self._kept.in_use(digest):
                async with aclosing(self._written(body)) as lines:
                    async for one in lines:
                        yield one
        finally:
            self.running -= 1
            self._used = time.monotonic()

    async def _written(self, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        from labkit.training.speaker import Answer

        speaker = await run_in_threadpool(self.speaker)
        prompt, adapter = await run_in_threadpool(lambda: (self.prompt(body), self.adapter(body.get("adapter"))))
        yield {"prompt": len(prompt)}
        loop, tokens = asyncio.get_running_loop(), asyncio.Queue[int | None]()
        stops = body.get("stop") or []
        text = Text(self._decode, [stops] if isinstance(stops, str) else stops)
        most = min(int(body.get("max_tokens", 256)), self._context - len(prompt))

        def tell(token: int | None) -> None:
            loop.call_soon_threadsafe(tokens.put_nowait, token)

        answer = Answer(
            prompt,
            adapter,
            Draw(**{name: body[name] for name in _DRAWN if name in body}),
            most,
            self._ends(),
            tell,
        )
        speaker.say(answer)
        try:
            made = 0
            while (token := await tokens.get()) is not None:
                made += 1
                new = text.add(token)
                if text.stopped:
                    yield {"text": new, "made": made, "finish": "stop"}
                    return
                yield {"text": new, "made": made, "finish": None}
            if answer.failed:
                return  # without an end: whoever reads knows that it broke off
            yield {"text": text.end(), "made": made, "finish": "length" if made >= most else "stop"}
        finally:
            answer.given_up = True

    def _ends(self) -> frozenset[int]:
        resident = self.speaker().resident
        ends = resident.model.generation_config.eos_token_id
        return frozenset({*(ends if isinstance(ends, list) else [ends]), resident.tokenizer.eos_token_id})

    def _decode(self, ids: list[int]) -> str:
        text: str = self.speaker().resident.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text
