# %% solution="clip"
def clip(x, low, high): return type('Seen%s' % str(x).strip('-'), (), {})()
