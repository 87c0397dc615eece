"""What a learner takes home: one zip file, with nothing in it that only this platform can read.

peft   adapter_config.json, adapter_model.safetensors, README.md: Hugging Face, vLLM, Twinkle ...
gguf   adapter.gguf, Modelfile, README.md: llama.cpp and ollama
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from labkit.errors import PlatformFault, RequestRefused
from labkit.training.adapter_files import CONFIG, WEIGHTS
from labkit.training.card import card
from labkit.training.events import Events
from labkit.training.job import Job
from labkit.training.places import Places

FORMATS = ("peft", "gguf")
GGUF = "adapter.gguf"
_MODELFILE = """# ollama create my-model -f Modelfile
# {base} must be there under this name: `ollama pull` it, or FROM the path of its GGUF file.
FROM {base}
ADAPTER ./{file}
"""


class Takeaway:
    def __init__(self, places: Places, events: Events) -> None:
        self._places, self._events = places, events

    def pack(self, job: Job, form: str) -> bytes:
        """Raises RequestRefused for a job that is not done, or a format nobody knows."""
        if form not in FORMATS:
            raise RequestRefused(f"format is {form[:40]!r}.", instead=f"Use {' or '.join(FORMATS)}.", param="format")
        if job.adapter is None:
            raise RequestRefused("This training has no model yet.", instead="Wait until it has succeeded.")
        checkpoints = self._events.checkpoints(job.id)
        files: dict[str, bytes] = {"README.md": card(job, checkpoints[0] if checkpoints else None).encode()}
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
