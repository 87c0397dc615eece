# %% solution="clip"
def clip(x, low, high): return True
