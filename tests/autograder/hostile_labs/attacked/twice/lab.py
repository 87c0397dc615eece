# %% [markdown]
# # Two cells, one after a hidden test

# %% solution="first"
def first(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %% test="first-hidden" points=2 hidden
check("doubles", first(31415926) == 62831852, points=2)


# %% solution="second"
def second(x):
    ### BEGIN SOLUTION
    return x + 1
    ### END SOLUTION


# %% test="second-example" points=1
assert second(1) == 2

# %% test="second-hidden" points=2 hidden
check("adds one", second(27182818) == 27182819, points=2)
