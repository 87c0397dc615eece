# %% solution="clip"
def clip(x, low, high):
    print(x, low, high)
    raise ValueError(x)
