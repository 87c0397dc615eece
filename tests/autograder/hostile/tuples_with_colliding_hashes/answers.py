# %% solution="clip"
def clip(x, low, high): return {(k * ((1 << 61) - 1),) for k in range(1, 40_000)}
