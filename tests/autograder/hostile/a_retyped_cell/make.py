"""The answer stands in a markdown cell."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    cells["clip"]["cell_type"] = "markdown"
    return json.dumps(notebook).encode()
