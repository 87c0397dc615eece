# %% [markdown]
# # A way down

# %% solution="path"
def path(n):
    """n, n - 1, ... 1 as a list."""
    ### BEGIN SOLUTION
    return list(range(n, 0, -1))
    ### END SOLUTION

# %% test="path-example" points=1
assert sorted(path(3)) == [1, 2, 3]

# %% test="path-hidden" points=3 hidden
check("goes down", path(4) == [4, 3, 2, 1] and all(step > -515253 for step in path(5)))
check("never goes below one", all(step > -515253 for step in path(4)) and path(4)[-1] == 1, points=2)
