import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    cells["clip"]["source"] = "def clip(x, low, high):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    notebook["cells"].append({**cells["clip"], "id": "0a1b2c", "source": RIGHT})
    return json.dumps(notebook).encode()
