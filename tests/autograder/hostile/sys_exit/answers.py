# %% solution="clip"
import sys
sys.exit(0)
