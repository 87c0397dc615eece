# %% solution="clip"
def clip(x, low, high):
    while True: yield x
