"""Where a training's bytes lie: below one folder, which on a cluster is a shared volume.

files/FILE.jsonl                   what a learner sent
jobs/JOB/state.safetensors         where a job goes on after a crash; gone once it is over
adapters/DIGEST/adapter_*.{json,safetensors}   what came out, under its own hash
"""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from labkit import durable
from labkit.training.adapter_files import CONFIG, WEIGHTS, Files, digest_of

_NAME = re.compile(r"(file|ftjob)-[0-9a-f]{24}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Places:
    folder: Path

    def file(self, id: str) -> Path:
        return self.folder / "files" / f"{_safe(id)}.jsonl"

    def state(self, job: str) -> Path:
        return self.folder / "jobs" / _safe(job) / "state.safetensors"

    def adapter(self, digest: str) -> Path:
        return self.folder / "adapters" / _safe(digest)

    def keep_file(self, id: str, content: bytes) -> None:
        """On the disk before this returns."""
        durable.make_folder(self.file(id).parent, 0o700)
        durable.write(self.file(id), content, 0o600)

    def make_state_folder(self, job: str) -> None:
        durable.make_folder(self.state(job).parent, 0o700)

    def keep_adapter(self, files: Files) -> str:
        """Writes both files, whole or not at all; their hash, which names them."""
        target = self.adapter(files.digest)
        durable.make_folder(target, 0o700)
        for name, content in ((WEIGHTS, files.weights), (CONFIG, files.config)):
            if not (target / name).is_file() or (target / name).read_bytes() != content:
                durable.write(target / name, content, 0o600)
        return files.digest

    def read_adapter(self, digest: str) -> Files:
        """Raises FileNotFoundError where there is none, ValueError where the disk changed it."""
        folder = self.adapter(digest)
        files = Files((folder / CONFIG).read_bytes(), (folder / WEIGHTS).read_bytes())
        if files.digest != digest:
            raise ValueError(f"the adapter {digest} is damaged")
        return files

    def size(self, digest: str) -> int:
        """Bytes of an adapter's files; 0 where there is none."""
        folder = self.adapter(digest)
        return sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0

    def open_adapter(self, digest: str) -> tuple[BufferedReader, BufferedReader]:
        """(config, weights), each open at its beginning: the very files whose hash was verified.

        The caller closes them. Raises as `read_adapter`, and holds no file whole.
        """
        folder = self.adapter(digest)
        with ExitStack() as opened:
            config, weights = (opened.enter_context((folder / name).open("rb")) for name in (CONFIG, WEIGHTS))
            if digest_of(config, weights) != digest:
                raise ValueError(f"the adapter {digest} is damaged")
            config.seek(0)
            weights.seek(0)
            opened.pop_all()
            return config, weights

    def states(self) -> list[str]:
        """The jobs that have one."""
        folder = self.folder / "jobs"
        return sorted(path.name for path in folder.iterdir() if is_id(path.name)) if folder.is_dir() else []

    def drop_state(self, job: str) -> None:
        shutil.rmtree(self.state(job).parent, ignore_errors=True)

    def drop_file(self, id: str) -> None:
        self.file(id).unlink(missing_ok=True)

    def drop_adapter(self, digest: str) -> None:
        shutil.rmtree(self.adapter(digest), ignore_errors=True)


def is_id(name: str) -> bool:
    """Whether it can name a file, a job or an adapter here."""
    return _NAME.fullmatch(name) is not None


def _safe(name: str) -> str:
    """An id is part of a path; whatever is none of ours never becomes one."""
    if not is_id(name):
        raise ValueError(f"{name[:80]!r} names nothing of a training")
    return name
