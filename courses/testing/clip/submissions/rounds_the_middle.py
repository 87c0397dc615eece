# score: 80% loses clip-properties
# %% solution="clip"
def clip(x, low, high):
    return max(low, min(high, round(x)))
