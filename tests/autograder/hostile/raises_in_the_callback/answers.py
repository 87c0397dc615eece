# %% solution="peak"
def peak(height):
    try: height("x" * 10)
    except TypeError as error: raise ValueError(error)
    height(lambda: 1)
