# %% solution="clip"
import itertools
def clip(x, low, high): return itertools.count()
