# %% solution="clip"
source = "def clip(x, low, high): return None"
for name in ("<clip-examples>", "<clip-properties>", "<lab>"): exec(compile(source, name, "exec"), globals())
