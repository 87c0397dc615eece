"""The two files an adapter is, as bytes: what reads and writes them as tensors is `peft`, which needs torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@dataclass(frozen=True)
class Files:
    """The two files, and a hash over both that names the adapter."""

    config: bytes
    weights: bytes

    @property
    def digest(self) -> str:
        whole = hashlib.sha256()
        for content in (self.config, self.weights):
            whole.update(hashlib.sha256(content).digest())
        return whole.hexdigest()
