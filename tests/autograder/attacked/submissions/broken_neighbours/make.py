import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    notebook["cells"] += [None, 3, {"metadata": 5}, {"id": ["a"], "source": {}}, {"metadata": {"nbgrader": []}}]
    return json.dumps(notebook).encode()
