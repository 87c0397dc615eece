import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    notebook["cells"] += [{"cell_type": "code", "id": f"x{n}", "metadata": {}, "source": "1/0", "outputs": [], "execution_count": None} for n in range(3000)]
    return json.dumps(notebook).encode()
