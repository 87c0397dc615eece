import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    for cell in notebook["cells"]:
        cell["id"] += "-x"
        if "nbgrader" in cell["metadata"]: cell["metadata"]["nbgrader"]["grade_id"] += "-x"
    return json.dumps(notebook).encode()
