# %% solution="clip"
try:
    with open("sparse", "wb") as file: file.truncate(1 << 50)
except OSError: pass
def clip(x, low, high):
    return None
