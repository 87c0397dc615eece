import json

def submission(notebook, cells):
    for name, kind in (("clip-examples", "raw"), ("clip-properties", "markdown")): cells[name]["cell_type"] = kind
    return json.dumps(notebook).encode()
