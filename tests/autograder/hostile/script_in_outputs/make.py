import json

def submission(notebook, cells):
    cells["clip"]["outputs"] = [{"output_type": "display_data", "data": {"text/html": "<script>alert(1)</script>", "application/javascript": "alert(1)"}, "metadata": {}}]
    cells["reflect"]["source"] = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    return json.dumps(notebook).encode()
