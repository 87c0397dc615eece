import json

def submission(notebook, cells):
    notebook["cells"] = []
    return json.dumps(notebook).encode()
