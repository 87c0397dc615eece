def submission(notebook, cells):
    return b"[" * 900 + b"]" * 900
