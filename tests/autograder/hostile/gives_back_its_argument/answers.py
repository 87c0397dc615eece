# %% solution="order"
def order(numbers):
    numbers.sort()
    return numbers
