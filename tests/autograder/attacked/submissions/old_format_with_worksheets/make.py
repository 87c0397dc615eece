import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    old = [{**cell, "input": cell.pop("source"), "language": "python", "prompt_number": 1} for cell in notebook["cells"] if cell["cell_type"] == "code"]
    notebook = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "clip"}, "worksheets": [{"cells": old, "metadata": {}}]}
    return json.dumps(notebook).encode()
