# %% solution="clip"
import locale, os, sys, time, warnings
warnings.simplefilter("error"); sys.setrecursionlimit(50); os.environ["TZ"] = "X-99"; time.tzset()
def clip(x, low, high): return None
