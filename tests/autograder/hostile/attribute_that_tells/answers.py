# %% solution="clip"
def clip(x, low, high): return getattr(object(), f'seen_{x}')
