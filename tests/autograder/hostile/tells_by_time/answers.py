# %% solution="clip"
import time
def clip(x, low, high): time.sleep(min(abs(float(x)), 0.5))
