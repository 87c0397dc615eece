"""The answer was split into two cells."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    first, second = "LOW = None", cells["clip"]["source"]
    place = notebook["cells"].index(cells["clip"])
    cells["clip"]["source"] = first
    notebook["cells"].insert(place + 1, {**cells["clip"], "id": "part", "source": second})
    return json.dumps(notebook).encode()
