import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    for value in (None, True, 1.5, [], {}, ["clip"], {"clip": 1}, "x" * 10_000, ""):
        notebook["cells"].append({"cell_type": "code", "id": value, "metadata": {"nbgrader": {"grade_id": value}}, "source": "1/0"})
    return json.dumps(notebook).encode()
