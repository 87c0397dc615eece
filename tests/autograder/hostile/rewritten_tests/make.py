"""A wrong answer and test cells that give themselves points."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    cells["clip"]["source"] = "clip = None"
    for name in ("clip-examples", "clip-properties"):
        cells[name]["source"] = "check('never leaves the bounds', True, points=5)"
    return json.dumps(notebook).encode()
