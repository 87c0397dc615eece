import json

def submission(notebook, cells):
    cells["clip-examples"]["metadata"]["nbgrader"]["points"] = float("inf")
    cells["clip-properties"]["metadata"]["nbgrader"]["points"] = float("nan")
    return json.dumps(notebook).encode()
