# %% solution="clip"
def clip(x, low, high): return 1 << 40_000_000
