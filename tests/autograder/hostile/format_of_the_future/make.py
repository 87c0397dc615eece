import json

def submission(notebook, cells):
    notebook["nbformat"], notebook["nbformat_minor"] = 99, -1
    return json.dumps(notebook).encode()
