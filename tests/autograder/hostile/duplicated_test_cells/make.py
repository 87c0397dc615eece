import json

def submission(notebook, cells):
    copies = [dict(cells[name], id=f"{name}-{n}", source="5.0") for name in ("clip-examples", "clip-properties") for n in range(3)]
    notebook["cells"] += copies
    return json.dumps(notebook).encode()
