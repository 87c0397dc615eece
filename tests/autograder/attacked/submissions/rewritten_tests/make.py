import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    cells["clip"]["source"] = "clip = None"
    for name in ("clip-examples", "clip-properties"): cells[name]["source"] = "5.0"
    return json.dumps(notebook).encode()
