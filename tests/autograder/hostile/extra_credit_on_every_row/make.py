"""Claims scores, extra credit and a grade in metadata and outputs."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    cells["clip"]["source"] = "clip = None"
    for cell in notebook["cells"]:
        cell["metadata"]["extra_credit"] = 50
        cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "5.0"}, "execution_count": 1, "metadata": {}}]
    return json.dumps(notebook).encode()
