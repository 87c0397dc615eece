"""Half characters in the source."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    cells["clip"]["source"] = "".join(cells["clip"]["source"]) + "\nx = '\\ud800'"
    return json.dumps(notebook).encode()
