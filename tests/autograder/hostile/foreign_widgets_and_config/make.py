import json

def submission(notebook, cells):
    notebook["metadata"].update(widgets={"state": {"x": {"a": 1}}}, jupytext={"formats": "ipynb,../../../x.py"}, papermill={"parameters": {"a": 1}}, nbconvert={"template": "/etc/passwd"})
    return json.dumps(notebook).encode()
