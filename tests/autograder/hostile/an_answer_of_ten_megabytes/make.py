"""An answer larger than any answer."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    cells["clip"]["source"] = "#" + "x" * 10_000_000
    return json.dumps(notebook).encode()
