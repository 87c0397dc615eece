"""skip-execution and raises-exception on every cell."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
    return json.dumps(notebook).encode()
