"""An editor that knows no cell ids."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    for cell in notebook["cells"]:
        del cell["id"]
    return json.dumps(notebook).encode()
