import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "Bash", "language": "bash", "argv": ["sh", "-c", "exit 1"]}
    notebook["metadata"]["language_info"] = {"name": "R"}
    return json.dumps(notebook).encode()
