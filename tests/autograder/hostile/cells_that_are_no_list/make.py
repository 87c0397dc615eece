def submission(notebook, cells):
    return b'{"cells": {"clip": "x"}, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'
