# %% [markdown]
# # Put in order
#
# Give back the numbers in rising order, and leave the list you were given as it was.

# %% solution="order"
def order(numbers):
    ### BEGIN SOLUTION
    return sorted(numbers)
    ### END SOLUTION


# %% test="order-example" points=1
assert order([3, 1, 2]) == [1, 2, 3]

# %% test="order-hidden" points=4 hidden
numbers = [730281, 118834, 559007]
wanted, kept = sorted(numbers), list(numbers)
given = order(numbers)
check("is in rising order", given == wanted, points=2, hint=f"the example gives {order([3, 1, 2])}")
check("leaves the list as it was", numbers == kept and given == wanted)
check("has as many as there were", len(given) == 3 and all(type(one) is int for one in given))
