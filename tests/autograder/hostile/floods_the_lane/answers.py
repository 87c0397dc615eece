# %% solution="clip"
import labkit
def clip(x, low, high):
    while True:
        try: labkit.ask("x")
        except Exception: pass
