# %% [markdown]
# # A square root

# %%
import math


# %% solution="root"
def root(x):
    ### BEGIN SOLUTION
    return math.sqrt(x)
    ### END SOLUTION


# %% test="root-example" points=1
assert math.isclose(root(4.0), 2.0)

# %% test="root-hidden" points=2 hidden
check("is the root of a large number", math.isclose(root(7654321.0), 2766.6443934, rel_tol=1e-6))
check("gives a number of its own", abs(root(1522756.0) - 1234) < 1e-6)
