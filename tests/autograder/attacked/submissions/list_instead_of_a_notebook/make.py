def submission(notebook):
    return b"[" * 900 + b"]" * 900
