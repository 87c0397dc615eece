import json

def submission(notebook, cells):

    text = json.dumps(notebook)
    return text.replace('"nbformat_minor": 5', '"nbformat_minor": ' + "9" * 100_000).encode()
