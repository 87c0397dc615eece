"""The two files an adapter is, as bytes: what reads and writes them as tensors is `peft`, which needs torch."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@dataclass(frozen=True)
class Files:
    """The two files, and a hash over both that names the adapter."""

    config: bytes
    weights: bytes

    @property
    def digest(self) -> str:
        return digest_of(io.BytesIO(self.config), io.BytesIO(self.weights))


def digest_of(config: io.BufferedIOBase, weights: io.BufferedIOBase) -> str:
    """The same hash, of files that are read to their ends piece by piece and are never whole in memory."""
    whole = hashlib.sha256()
    for file in (config, weights):
        whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def with_base(config: bytes, name: str) -> bytes:
    """The config, naming its base as others know it; what is stored and served keeps the name the base has here."""
    return json.dumps(json.loads(config) | {"base_model_name_or_path": name}, indent=2).encode()
