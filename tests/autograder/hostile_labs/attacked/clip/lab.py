# %% [markdown]
# # Clip a reward

# %% solution="clip"
def clip(x, low, high):
    ### BEGIN SOLUTION
    return max(low, min(high, x))
    ### END SOLUTION


# %% test="clip-examples" points=2
assert clip(5, 0, 3) == 3

# %% test="clip-properties" points=3 hidden
check("never leaves the bounds", all(0 <= clip(x, 0, 1) <= 1 for x in (-314159, 271828, 0.5)), points=2)
check("keeps what is inside", clip(0.4142135, 0, 1) == 0.4142135, hint="look at the middle case")

# %% [markdown] answer="reflect" points=10
# Why?
