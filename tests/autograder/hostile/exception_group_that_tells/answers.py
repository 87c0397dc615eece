# %% solution="clip"
def clip(x, low, high):
    error = ExceptionGroup(f"seen {x}", [ValueError(x)])
    error.add_note(f"seen {x}")
    raise error from KeyError(x)
