import json


def submission(notebook, cells):
    for cell in notebook["cells"]:
        if cell["id"] == "clip":
            cell["source"] = "clip = " + "-" * 40_000 + "1"
    return json.dumps(notebook).encode()
