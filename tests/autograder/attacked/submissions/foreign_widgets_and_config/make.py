import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    notebook["metadata"].update(widgets={"state": {"x": {"a": 1}}}, jupytext={"formats": "ipynb,../../../x.py"}, papermill={"parameters": {"a": 1}}, nbconvert={"template": "/etc/passwd"})
    return json.dumps(notebook).encode()
