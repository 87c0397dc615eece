"""What a learner takes home: one zip file, with nothing in it that only this platform can read.

peft         adapter_config.json, adapter_model.safetensors, README.md: Hugging Face, vLLM, Twinkle ...
gguf         adapter.gguf, Modelfile, README.md: llama.cpp and ollama, beside the base
safetensors  the whole model, base and adapter in one: whatever loads a model
ollama       the same as model.gguf with a Modelfile: `ollama create`, llama.cpp

The last two are made in the adapters' process, which has the base, each time somebody asks.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from starlette.concurrency import run_in_threadpool

from labkit.errors import PlatformFault, RequestRefused
from labkit.training.adapter_files import CONFIG, WEIGHTS
from labkit.training.card import card
from labkit.training.events import Events
from labkit.training.job import Job
from labkit.training.places import Places

FORMATS = ("peft", "gguf", "safetensors", "ollama")
_MERGED = {"safetensors": "safetensors", "ollama": "gguf"}
GGUF = "adapter.gguf"
_MODELFILE = """# ollama create my-model -f Modelfile
# {base} must be there under this name: `ollama pull` it, or FROM the path of its GGUF file.
FROM {base}
ADAPTER ./{file}
"""
_WHOLE = """# ollama create my-model -f Modelfile
FROM ./{file}
"""
Merge = Callable[[str, str, Mapping[str, str]], AsyncGenerator[bytes, None]]


class Takeaway:
    """`merges`, by base, give the pieces of a zip file of a whole model: the adapter's hash, the form, texts that go
    with it. An adapter is merged where its own base stands: another's shapes may be the same."""

    def __init__(self, places: Places, events: Events, merges: Mapping[str, Merge] | None = None) -> None:
        self._places, self._events, self._merges = places, events, merges or {}

    async def pieces(self, job: Job, form: str) -> AsyncGenerator[bytes, None]:
        """Of a zip file. Raises RequestRefused for a job that is not done, or a format nobody knows, before the first.

        PlatformFault where what was trained is not there.
        """
        if form not in FORMATS:
            raise RequestRefused(f"format is {form[:40]!r}.", instead=f"Use {' or '.join(FORMATS)}.", param="format")
        if job.adapter is None:
            raise RequestRefused("This training has no model yet.", instead="Wait until it has succeeded.")
        if form not in _MERGED:
            yield await run_in_threadpool(self._pack, job, form)
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

    def _pack(self, job: Job, form: str) -> bytes:
        assert job.adapter is not None
        files: dict[str, bytes] = {"README.md": self._card(job).encode()}
        try:
            files |= self._peft(job.adapter) if form == "peft" else self._gguf(job)
        except (OSError, ValueError) as error:
            raise PlatformFault("Your model's files are not there.", instead="Tell your instructor.") from error
        return _zipped(files)

    def _peft(self, digest: str) -> dict[str, bytes]:
        files = self._places.read_adapter(digest)
        return {CONFIG: files.config, WEIGHTS: files.weights}

    def _gguf(self, job: Job) -> dict[str, bytes]:
        assert job.adapter is not None
        file = self._places.adapter(job.adapter) / GGUF
        if not file.parent.is_dir():
            raise FileNotFoundError(file)
        if not file.is_file():
            raise RequestRefused(f"{job.spec.base} is not written for llama.cpp.", instead="Take format=peft.")
        return {GGUF: file.read_bytes(), "Modelfile": _MODELFILE.format(base=job.spec.base, file=GGUF).encode()}


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """Every file with one fixed time: the same files are the same bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)
    return whole.getvalue()
