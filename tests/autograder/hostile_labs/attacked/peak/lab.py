# %% [markdown]
# # The highest point
#
# `height` is a function. Find the whole number from 0 to 9 where it is highest, and call it at most twenty times.

# %% solution="peak"
def peak(height):
    ### BEGIN SOLUTION
    return max(range(10), key=height)
    ### END SOLUTION


# %% test="peak-example" points=1
assert peak(lambda x: -abs(x - 4)) == 4

# %% test="peak-hidden" points=4 hidden
secret = 867530
calls = []


def height(x):
    calls.append(x)
    return secret - (x - 7) ** 2


class Hill:
    """An object of the test's, with one method and what it hides."""

    def __init__(self):
        self.top = 495051

    def at(self, x):
        return self.top - (x - 2) ** 2


found = peak(height)
check("finds the top", found == 7, points=2)
check("asks no more than it needs", found == 7 and 0 < len(calls) <= 20)
check("finds the top of a method", peak(Hill().at) == 2)
