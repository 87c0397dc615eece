# %% solution="clip"
import sys, threading
sys.setrecursionlimit(2**31 - 1)
def clip(x, low, high): return [clip(x, low, high), repr(x)] and None
