"""Only the answer is left of the notebook."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    notebook["cells"] = [cells["clip"]]
    return json.dumps(notebook).encode()
