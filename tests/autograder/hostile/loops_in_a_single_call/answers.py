# %% solution="clip"
def clip(x, low, high): return 7 ** 7 ** 7 ** 7
