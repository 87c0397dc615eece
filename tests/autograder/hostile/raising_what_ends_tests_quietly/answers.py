# %% solution="clip"
def clip(x, low, high): raise StopIteration
