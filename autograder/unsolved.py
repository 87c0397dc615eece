"""Inside the sandbox of a preview: runs the notebook in the current lab as a learner's kernel would, and writes what
came out. `python -m autograder.unsolved FOLDER NOTEBOOK SECONDS`; FOLDER is copied first, so that cells may write.

What it writes on standard output is not believed by who reads it: the author's cells run in the same sandbox.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient


def run(folder: Path, name: str, seconds: float) -> dict[str, Any]:
    """The outputs of each code cell by its id, with the seconds it took."""
    work = Path.home() / folder.name
    shutil.copytree(folder, work)
    os.chdir(work)
    notebook = nbformat.read(work / name, as_version=4)
    client = NotebookClient(notebook, timeout=seconds, interrupt_on_timeout=True, allow_errors=True)
    found = {}
    with client.setup_kernel(cwd=str(work)):
        for index, cell in enumerate(notebook.cells):
            begun = time.monotonic()
            client.execute_cell(cell, index)
            if cell.cell_type == "code":
                found[cell.id] = {"outputs": cell.outputs, "seconds": round(time.monotonic() - begun, 2)}
    return found


if __name__ == "__main__":
    told = run(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
    sys.stdout.write(json.dumps(told))
