import json

def submission(notebook, cells):
    for value in (None, True, 1.5, [], {}, ["clip"], {"clip": 1}, "x" * 10_000, ""):
        notebook["cells"].append({"cell_type": "code", "id": value, "metadata": {"nbgrader": {"grade_id": value}}, "source": "1/0"})
    return json.dumps(notebook).encode()
