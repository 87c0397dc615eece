# %% solution="clip"
def clip(x, low, high): return None
kept = [open("/dev/null") for _ in range(100_000)]
