# %% [markdown]
# # Files that are hidden
#
# `data/open.txt` holds numbers, one a line. Another file like it is not shown to you.

# %% solution="total"
def total(text):
    """The sum of the numbers in a text, one a line."""
    ### BEGIN SOLUTION
    return sum(map(int, text.split()))
    ### END SOLUTION


# %% test="total-example" points=1
assert total(open("data/open.txt").read()) == 6

# %% test="total-hidden" points=3 hidden
import json

with open("calibration.json") as file:
    assert json.load(file)["total"] == 1122334455
check("adds up what is not shown", total(open("hidden/secret.txt").read()) == 778899001, points=3)
