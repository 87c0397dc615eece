import json

def submission(notebook, cells):
    notebook["cells"] = [{"cell_type": "code", "metadata": {}, "source": ""}] * 250_000 + notebook["cells"]
    return json.dumps(notebook).encode()
