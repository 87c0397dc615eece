import json

def submission(notebook, cells):
    cells["clip"]["metadata"]["nbgrader"]["grade_id"] = "clip-examples"
    cells["clip-examples"]["metadata"]["nbgrader"]["grade_id"] = "clip"
    cells["clip-examples"]["source"] = "clip = None"
    return json.dumps(notebook).encode()
