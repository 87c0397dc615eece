# score: 2
# %% solution="clip"
def clip(x, low, high):
    return low
