# %% solution="path"
def path(n): return range(10**12)
