# %% solution="root"
def root(x): return 0.0
