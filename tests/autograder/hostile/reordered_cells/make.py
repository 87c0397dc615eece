"""Every cell in the opposite order."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    notebook["cells"].reverse()
    return json.dumps(notebook).encode()
