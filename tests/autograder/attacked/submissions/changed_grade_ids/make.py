import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    cells["clip"]["metadata"]["nbgrader"]["grade_id"] = "clip-examples"
    cells["clip-examples"]["metadata"]["nbgrader"]["grade_id"] = "clip"
    cells["clip-examples"]["source"] = "clip = None"
    return json.dumps(notebook).encode()
