"""The same run twice: one thread, fixed seeds. Clocks, `os.urandom` and what a learner reseeds are not held."""

from __future__ import annotations

import random
from typing import Any

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TQDM_DISABLE": "1",
}


def settle(program: dict[str, Any]) -> None:
    """Seeds what the lab's profile and cells will use; nothing heavier is imported."""
    random.seed(0)
    if program.get("numpy") is True:
        import numpy

        numpy.random.seed(0)
    if program.get("profile") == "torch":
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(0)
