import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    cells["clip"]["outputs"] = [{"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>", "application/javascript": "alert(1)"}, "metadata": {}}]
    cells["reflect"]["source"] = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    return json.dumps(notebook).encode()
