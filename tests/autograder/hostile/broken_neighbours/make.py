"""Cells that are no cells."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    notebook["cells"] += [None, 3, {"metadata": 5}, {"id": ["a"], "source": {}}, {"metadata": {"nbgrader": []}}]
    return json.dumps(notebook).encode()
