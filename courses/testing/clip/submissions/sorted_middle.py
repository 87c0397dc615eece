# score: >=95%
# %% solution="clip"
def clip(x, low, high):
    return sorted([low, x, high])[1]
# %% [markdown] answer="reflect"
# Where a large reward is the news: clipping hides it.
