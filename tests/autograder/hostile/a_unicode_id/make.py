"""An id of look-alike letters and a direction mark."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    cells["clip"]["id"] = "\u043alip\u202e"
    return json.dumps(notebook).encode()
