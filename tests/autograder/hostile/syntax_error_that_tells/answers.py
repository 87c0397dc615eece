# %% solution="clip"
def clip(x, low, high): exec(f'\n' * 20 + f'seen {x}', {})
