"""A second cell of the same id with a wrong answer."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    notebook["cells"].append({**cells["clip"], "source": "clip = None"})
    return json.dumps(notebook).encode()
