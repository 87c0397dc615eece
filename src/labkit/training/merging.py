"""Merges a learner's adapter into its base and packs the whole, one at a time: each is as large as the base."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from labkit.errors import RequestRefused
from labkit.training.places import Places

FORMS = ("safetensors", "gguf")
MODEL = "model.gguf"


class _Abandoned(Exception):
    """Nobody waits any more for what is being made."""


class Merging:
    """`base` is a folder of safetensors, `gguf` the same base for llama.cpp."""

    def __init__(self, base: Path, gguf: Path | None, places: Places) -> None:
        self._base, self._gguf, self._places = base, gguf, places
        self._one_at_a_time = asyncio.Lock()

    async def zipped(self, digest: str, form: str, beside: Mapping[str, str]) -> Path:
        """A file of its own, which whoever asked removes; `beside` are texts that go with it.

        Who is cancelled while she waits for her turn takes none; while hers is made, it ends at its next piece.

        Raises RequestRefused for a form that is not there, FileNotFoundError or ValueError where the adapter is not.
        """
        if form not in FORMS or (form == "gguf" and self._gguf is None):
            raise RequestRefused(f"The base is not here as {form[:20]!r}.", instead="Take safetensors.")
        gone = threading.Event()

        def piece() -> None:
            if gone.is_set():
                raise _Abandoned

        await self._one_at_a_time.acquire()
        work = asyncio.ensure_future(run_in_threadpool(self._zipped, digest, form, beside, piece))
        work.add_done_callback(lambda _: self._one_at_a_time.release())  # not before the thread has ended
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            gone.set()
            work.add_done_callback(_drop)  # what was made all the same has nobody to take it
            raise

    def _zipped(self, digest: str, form: str, beside: Mapping[str, str], piece: Callable[[], None]) -> Path:
        from transformers import AutoConfig

        from labkit.training import peft
        from labkit.training.export import merged

        config = AutoConfig.from_pretrained(self._base, local_files_only=True)
        adapter = peft.read(self._places.read_adapter(digest), merged.shapes(self._base))
        piece()
        with tempfile.TemporaryDirectory() as folder:
            if form == "gguf":
                assert self._gguf is not None
                merged.write_gguf(adapter, self._gguf, config, Path(folder) / MODEL, piece)
            else:
                merged.write_safetensors(adapter, self._base, Path(folder), piece)
            for name, text in beside.items():
                (Path(folder) / Path(name).name).write_text(text, encoding="utf-8")
            return _packed(Path(folder), piece)


def _drop(work: asyncio.Future[Path]) -> None:
    if not work.cancelled() and work.exception() is None:
        work.result().unlink(missing_ok=True)


def _packed(folder: Path, piece: Callable[[], None]) -> Path:
    """Weights do not get smaller by being compressed: they are only put one behind the other."""
    number, name = tempfile.mkstemp(suffix=".zip")
    os.close(number)
    try:
        with zipfile.ZipFile(name, "w", zipfile.ZIP_STORED) as whole:
            for path in sorted(folder.iterdir()):
                piece()
                whole.write(path, path.name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
