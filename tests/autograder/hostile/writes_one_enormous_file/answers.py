# %% solution="clip"
def clip(x, low, high): return None
with open("/tmp/large", "wb") as file:
    for _ in range(100): file.write(bytes(1 << 20))
