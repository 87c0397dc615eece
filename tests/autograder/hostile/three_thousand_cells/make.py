"""Three thousand more cells, each an error."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    notebook["cells"] += [{"cell_type": "code", "id": f"x{n}", "metadata": {}, "source": "1/0"} for n in range(3000)]
    return json.dumps(notebook).encode()
