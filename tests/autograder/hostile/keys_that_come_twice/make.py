import json

def submission(notebook, cells):

    text = json.dumps(notebook)
    return text.replace('"cells":', '"cells": [], "cells":').encode()
