import json

def submission(notebook, cells):
    for cell in notebook["cells"]: cell["metadata"] = {}
    return json.dumps(notebook).encode()
