# %% solution="order"
def order(numbers): return range(10**18)
