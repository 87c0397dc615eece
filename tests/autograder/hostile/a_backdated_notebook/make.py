"""Claims another time, another learner and another lab."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    notebook["metadata"] |= {"labkit": {"course": "other", "lab": "other", "language": "xx", "release": "../../x"}, "timestamp": "1999-01-01"}
    return json.dumps(notebook).encode()
