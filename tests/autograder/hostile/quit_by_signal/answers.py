# %% solution="clip"
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
