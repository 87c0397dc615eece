# %% solution="clip"
import os
def clip(x, low, high): os.write(2, str(x).encode()); os.write(1, str(x).encode())
