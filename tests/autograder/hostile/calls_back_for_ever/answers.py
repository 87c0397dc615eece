# %% solution="peak"
def peak(height):
    while True: height(7)
