# %% solution="order"
def order(numbers):
    numbers.clear()
    return numbers
