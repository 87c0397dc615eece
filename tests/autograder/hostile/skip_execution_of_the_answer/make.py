import json

def submission(notebook, cells):
    cells["clip"]["metadata"]["tags"] = ["skip-execution"]
    return json.dumps(notebook).encode()
