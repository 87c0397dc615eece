"""Attachments, scripts and frames in outputs and metadata."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    for cell in notebook["cells"]:
        cell["attachments"] = {"../../x.png": {"image/png": "<script>alert(1)</script>"}}
        cell["outputs"] = [{"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>"}, "metadata": {}}]
    return json.dumps(notebook).encode()
