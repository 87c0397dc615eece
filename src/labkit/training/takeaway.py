"""What a learner takes home: one zip file, with nothing in it that only this platform can read.

peft         adapter_config.json, adapter_model.safetensors, README.md: Hugging Face, vLLM, Twinkle ...
gguf         adapter.gguf, Modelfile, README.md: llama.cpp and ollama, beside the base
safetensors  the whole model, base and adapter in one: whatever loads a model
ollama       the same as model.gguf with a Modelfile: `ollama create`, llama.cpp

The last two are made in the adapters' process, which has the base, each time somebody asks. The first two are sent from
the files on the disk, a piece at a time; peft is verified by its hash before its first piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import ExitStack, aclosing
from typing import BinaryIO

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from labkit.errors import PlatformFault, RequestRefused
from labkit.models import catalogue
from labkit.training.adapter_files import CONFIG, WEIGHTS, with_base
from labkit.training.archive import archive
from labkit.training.card import card
from labkit.training.events import Events
from labkit.training.job import Job
from labkit.training.places import Places

FORMATS = ("peft", "gguf", "safetensors", "ollama")
_MERGED = {"safetensors": "safetensors", "ollama": "gguf"}
GGUF = "adapter.gguf"
_MODELFILE = """# ollama create my-model -f Modelfile
# {base} is {ollama} at ollama, which pulls it; or write FROM and the path of its GGUF file.
FROM {ollama}
ADAPTER ./{file}
"""
_UNKNOWN = """# ollama create my-model -f Modelfile
# What {base} is called at ollama is not known here: write the path of its GGUF file in place of BASE.gguf.
FROM ./BASE.gguf
ADAPTER ./{file}
"""
_WHOLE = """# ollama create my-model -f Modelfile
FROM ./{file}
"""
_MOST_VERIFIED = 2  # at once: each reads a whole adapter
Merge = Callable[[str, str, Mapping[str, str]], AsyncGenerator[bytes, None]]


class Takeaway:
    """`merges`, by base, give the pieces of a zip file of a whole model: the adapter's hash, the form, texts that go
    with it. An adapter is merged where its own base stands: another's shapes may be the same."""

    def __init__(self, places: Places, events: Events, merges: Mapping[str, Merge] | None = None) -> None:
        self._places, self._events, self._merges = places, events, merges or {}
        self._verifying = asyncio.Semaphore(_MOST_VERIFIED)

    async def pieces(self, job: Job, form: str) -> AsyncGenerator[bytes, None]:
        """Of a zip file. Raises RequestRefused for a job that is not done, or a format nobody knows, before the first.

        PlatformFault where what was trained is not there.
        """
        if form not in FORMATS:
            raise RequestRefused(f"format is {form[:40]!r}.", instead=f"Use {' or '.join(FORMATS)}.", param="format")
        if job.adapter is None:
            raise RequestRefused("This training has no model yet.", instead="Wait until it has succeeded.")
        if form not in _MERGED:
            async with aclosing(self._packed(job, form)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        merge = self._merges.get(job.spec.base)
        if merge is None:
            raise RequestRefused(f"{job.spec.base} is not merged here.", instead="Take format=peft.", param="format")
        beside = {"README.md": await run_in_threadpool(self._card, job)}
        if form == "ollama":
            beside["Modelfile"] = _WHOLE.format(file="model.gguf")
        async with aclosing(merge(job.adapter, _MERGED[form], beside)) as pieces:
            async for piece in pieces:
                yield piece

    def _card(self, job: Job) -> str:
        checkpoints = self._events.checkpoints(job.id)
        return card(job, checkpoints[0] if checkpoints else None)

    async def _packed(self, job: Job, form: str) -> AsyncGenerator[bytes, None]:
        with ExitStack() as opened:
            async with self._verifying:
                files = await run_in_threadpool(self._files, job, form, opened)
            async for piece in iterate_in_threadpool(archive(files)):
                yield piece

    def _files(self, job: Job, form: str, opened: ExitStack) -> Mapping[str, bytes | BinaryIO]:
        assert job.adapter is not None
        try:
            own = self._peft(job, opened) if form == "peft" else self._gguf(job, opened)
        except (OSError, ValueError) as error:
            raise PlatformFault("Your model's files are not there.", instead="Tell your instructor.") from error
        return {"README.md": self._card(job).encode(), **own}

    def _peft(self, job: Job, opened: ExitStack) -> Mapping[str, bytes | BinaryIO]:
        assert job.adapter is not None
        config, weights = (opened.enter_context(one) for one in self._places.open_adapter(job.adapter))
        base = catalogue().get(job.spec.base)
        return {CONFIG: with_base(config.read(), base.repo) if base and base.repo else config, WEIGHTS: weights}

    def _gguf(self, job: Job, opened: ExitStack) -> Mapping[str, bytes | BinaryIO]:
        assert job.adapter is not None
        file = self._places.adapter(job.adapter) / GGUF
        if not file.parent.is_dir():
            raise FileNotFoundError(file)
        if not file.is_file():
            raise RequestRefused(f"{job.spec.base} is not written for llama.cpp.", instead="Take format=peft.")
        return {GGUF: opened.enter_context(file.open("rb")), "Modelfile": _modelfile(job.spec.base).encode()}


def _modelfile(base: str) -> str:
    known = catalogue().get(base)
    if known is None or not known.ollama:
        return _UNKNOWN.format(base=base, file=GGUF)
    return _MODELFILE.format(base=base, ollama=known.ollama, file=GGUF)
