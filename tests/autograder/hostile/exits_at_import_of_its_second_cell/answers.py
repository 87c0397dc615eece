# %% solution="clip"
import faulthandler, signal
signal.setitimer(signal.ITIMER_REAL, 0.2)
faulthandler.dump_traceback_later(0.3, exit=True)
def clip(x, low, high):
    while True: pass
