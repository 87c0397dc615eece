# %% [markdown]
# # Clip a reward
#
# A training reward that runs away is cut to a range: what lies below `low` becomes `low`, what lies above `high`
# becomes `high`, and the rest stays as it is.

# %% solution="clip"
def clip(x, low, high):
    """x, but never below low and never above high."""
    ### BEGIN SOLUTION
    return max(low, min(high, x))
    ### END SOLUTION

# %% demo
clip(5, 0, 3)

# %% test="clip-examples" points=2
assert clip(5, 0, 3) == 3
assert clip(-5, 0, 3) == 0

# %% test="clip-properties" points=3 hidden
check("never leaves the bounds", all(0 <= clip(x, 0, 1) <= 1 for x in range(-5, 5)), points=2)
check("keeps what is inside", clip(0.25, 0, 1) == 0.25, points=1, hint="look at the middle case")

# %% [markdown] answer="reflect" points=10
# Where would you not use this?
