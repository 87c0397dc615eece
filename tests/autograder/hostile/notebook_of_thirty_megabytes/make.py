import json

def submission(notebook, cells):
    cells["clip-examples"]["source"] = "#" * (30 << 20)
    return json.dumps(notebook).encode()
