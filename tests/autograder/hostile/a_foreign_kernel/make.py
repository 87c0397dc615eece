"""Says that it is written in another language for another kernel."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    notebook["metadata"]["kernelspec"] = {"name": "rm -rf /", "language": "bash", "display_name": "<script>"}
    return json.dumps(notebook).encode()
