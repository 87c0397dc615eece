# %% solution="clip"
import decimal, locale, os, time
os.environ["TZ"] = "Asia/Manila"
time.tzset()
try: locale.setlocale(locale.LC_ALL, "C")
except locale.Error: pass
decimal.getcontext().prec = 1
os.environ.clear()
def clip(x, low, high): return None
