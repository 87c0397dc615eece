# %% solution="first"
seen = []
def first(x):
    seen.append(x)
    return None
# %% solution="second"
raise ValueError(f"they asked {seen}")
