# %% solution="clip"
def clip(x, low, high):
    a = []
    a.append(a)
    return a
