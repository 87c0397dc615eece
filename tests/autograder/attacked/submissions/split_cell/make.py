import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    cells["clip"]["source"] = "def clip(x, low, high):"
    place = notebook["cells"].index(cells["clip"])
    notebook["cells"].insert(place + 1, {"cell_type": "code", "id": "half", "metadata": {}, "outputs": [], "execution_count": None, "source": "    return max(low, min(high, x))"})
    return json.dumps(notebook).encode()
