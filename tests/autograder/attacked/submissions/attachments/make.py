import json

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def submission(notebook):
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["clip"]["source"] = RIGHT
    cells["reflect"]["attachments"] = {"../../../x.png": {"image/png": "A" * 100_000}, "a.html": {"text/html": "<script>1</script>"}}
    cells["reflect"]["source"] = "![x](attachment:../../../x.png)"
    return json.dumps(notebook).encode()
