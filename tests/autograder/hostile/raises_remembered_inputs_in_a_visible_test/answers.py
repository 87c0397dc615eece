# %% solution="first"
seen = []
def first(x): seen.append(x)
# %% solution="second"
def second(x): raise ValueError(f"they asked {seen}")
