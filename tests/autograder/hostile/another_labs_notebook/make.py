import json

def submission(notebook, cells):
    for cell in notebook["cells"]:
        cell["id"] += "-x"
        if "nbgrader" in cell["metadata"]: cell["metadata"]["nbgrader"]["grade_id"] += "-x"
    return json.dumps(notebook).encode()
