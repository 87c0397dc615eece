# %% solution="clip"
import warnings
def clip(x, low, high): warnings.warn(str(x), stacklevel=1)
