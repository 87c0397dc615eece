# %% solution="clip"
import labkit
labkit.ask('what is expected?')
def clip(x, low, high): return None
