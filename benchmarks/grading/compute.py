"""What a notebook's cells cost by themselves: the CPU seconds of one run in a process that is warm already.

python -m benchmarks.grading.compute PROFILE NOTEBOOK TIMES
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from autograder.steady import ENVIRONMENT
from autograder.zygote import PROFILES


def own_seconds(profile: str, notebook: bytes, folder: Path, times: int) -> float:
    """Asked of a process of its own, with the surroundings graded code has."""
    path = folder / "own.ipynb"
    path.write_bytes(notebook)
    command = [sys.executable, "-m", "benchmarks.grading.compute", profile, str(path), str(times)]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main(profile: str, notebook: str, times: str) -> None:
    for name in PROFILES[profile]:
        importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    cells = [
        "".join(cell["source"])
        for cell in json.loads(Path(notebook).read_text())["cells"]
        if cell["cell_type"] == "code" and cell["metadata"]["labkit"]["kind"] != "demo"
    ]
    _run(cells)  # what is imported and prepared once is not the notebook's own
    print(statistics.median(_run(cells) for _ in range(int(times))))


def _run(cells: list[str]) -> float:
    names: dict[str, object] = {"__name__": "__main__"}
    began = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in cells:
            exec(cell, names)
    return time.process_time() - began


if __name__ == "__main__":
    main(*sys.argv[1:])
