"""Saved by an editor that marks its files."""

import json


def submission(notebook: dict, cells: dict) -> bytes:
    return b"\xef\xbb\xbf" + json.dumps(notebook).encode()
