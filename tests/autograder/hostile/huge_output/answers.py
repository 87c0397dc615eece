# %% solution="clip"
import os
for _ in range(2000): os.write(2, b'x' * (1 << 20))
