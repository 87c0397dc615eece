# %% solution="clip"
def clip(x, low, high):
    while True: print("x" * 1_000_000)
