import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    cells["clip"]["source"] = RIGHT + "\n" + "".join(cells["clip-examples"]["source"])
    notebook["cells"].remove(cells["clip-examples"])
    return json.dumps(notebook).encode()
