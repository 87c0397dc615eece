# %% solution="clip"
import time
def clip(x, low, high): return time.time_ns() % 2
