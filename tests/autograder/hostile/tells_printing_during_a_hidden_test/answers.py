# %% solution="clip"
def clip(x, low, high):
    print(x)
    raise ValueError(x)
