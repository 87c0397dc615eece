import json

def submission(notebook, cells):
    notebook["metadata"]["labkit"] = {"course": "other", "lab": "../../x", "language": "xx", "learner": "zed"}
    notebook["metadata"]["nbgrader"] = {"student": "zed"}
    return json.dumps(notebook).encode()
