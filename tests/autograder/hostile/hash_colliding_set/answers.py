# %% solution="clip"
def clip(x, low, high):
    lie = set()
    for n in range(3000): lie.add((2**61 - 1) * n)
    return lie
