import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT

    text = json.dumps(notebook)
    return text.replace('"nbformat_minor": 5', '"nbformat_minor": ' + "9" * 100_000).encode()
