"""Merges a learner's adapter into its base and packs the whole, one at a time: each is as large as the base."""

from __future__ import annotations

import asyncio
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from labkit.errors import RequestRefused
from labkit.training.places import Places

FORMS = ("safetensors", "gguf")
MODEL = "model.gguf"


class Merging:
    """`base` is a folder of safetensors, `gguf` the same base for llama.cpp."""

    def __init__(self, base: Path, gguf: Path | None, places: Places) -> None:
        self._base, self._gguf, self._places = base, gguf, places
        self._one_at_a_time = asyncio.Lock()

    async def zipped(self, digest: str, form: str, beside: Mapping[str, str]) -> Path:
        """A file of its own, which whoever asked removes; `beside` are texts that go with it.

        Raises RequestRefused for a form that is not there, FileNotFoundError or ValueError where the adapter is not.
        """
        if form not in FORMS or (form == "gguf" and self._gguf is None):
            raise RequestRefused(f"The base is not here as {form[:20]!r}.", instead="Take safetensors.")
        work = asyncio.ensure_future(self._alone(digest, form, beside))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(_drop)  # a thread cannot be ended: what it makes has nobody to take it
            raise

    async def _alone(self, digest: str, form: str, beside: Mapping[str, str]) -> Path:
        async with self._one_at_a_time:
            return await run_in_threadpool(self._zipped, digest, form, beside)

    def _zipped(self, digest: str, form: str, beside: Mapping[str, str]) -> Path:
        from transformers import AutoConfig

        from labkit.training import peft
        from labkit.training.export import merged

        config = AutoConfig.from_pretrained(self._base, local_files_only=True)
        adapter = peft.read(self._places.read_adapter(digest), merged.shapes(self._base))
        with tempfile.TemporaryDirectory() as folder:
            if form == "gguf":
                assert self._gguf is not None
                merged.write_gguf(adapter, self._gguf, config, Path(folder) / MODEL)
            else:
                merged.write_safetensors(adapter, self._base, Path(folder))
            for name, text in beside.items():
                (Path(folder) / Path(name).name).write_text(text, encoding="utf-8")
            return _packed(Path(folder))


def _drop(work: asyncio.Future[Path]) -> None:
    if not work.cancelled() and work.exception() is None:
        work.result().unlink(missing_ok=True)


def _packed(folder: Path) -> Path:
    """Weights do not get smaller by being compressed: they are only put one behind the other."""
    number, name = tempfile.mkstemp(suffix=".zip")
    os.close(number)
    try:
        with zipfile.ZipFile(name, "w", zipfile.ZIP_STORED) as whole:
            for path in sorted(folder.iterdir()):
                whole.write(path, path.name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
