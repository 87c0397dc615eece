# %% solution="clip"
def clip(x, low, high):
    deep = []
    for _ in range(100_000): deep = [deep]
    return deep
