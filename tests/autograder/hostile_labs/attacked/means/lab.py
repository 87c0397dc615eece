# %% [markdown]
# # Means of columns

# %%
import numpy as np
import pandas as pd


# %% solution="means"
def means(table):
    """A numpy array with the mean of each column of a DataFrame."""
    ### BEGIN SOLUTION
    return table.to_numpy().mean(axis=0)
    ### END SOLUTION


# %% solution="centred"
def centred(table):
    """The table less the mean of each column."""
    ### BEGIN SOLUTION
    return table - table.mean()
    ### END SOLUTION


# %% test="means-example" points=1
assert np.allclose(means(pd.DataFrame({"a": [1.0, 3.0]})), [2.0])

# %% test="means-hidden" points=3 hidden
table = pd.DataFrame({"a": [102030.0, 405060.0], "b": [1.0, 2.0]})
wanted = table.to_numpy().mean(axis=0)
given = means(table)
check("has one mean for each column", given.shape == (2,) and given.dtype == np.float64)
check("are the means", np.allclose(given, wanted), points=2)

# %% test="centred-hidden" points=2 hidden
table = pd.DataFrame({"a": [908070.0, 605040.0]})
wanted = table - table.mean()
given = centred(table)
check("is the table less its means", wanted.equals(given) and type(given) is pd.DataFrame, points=2)
