# %% [markdown]
# # A generator

# %% solution="ticks"
def ticks(start, step):
    """start, start + step, start + 2 * step, ... for ever."""
    ### BEGIN SOLUTION
    while True:
        yield start
        start += step
    ### END SOLUTION


# %% test="ticks-example" points=1
import itertools

assert list(itertools.islice(ticks(1, 2), 3)) == [1, 3, 5]

# %% test="ticks-hidden" points=3 hidden
check("goes on", list(itertools.islice(ticks(606060, 7), 5)) == [606060, 606067, 606074, 606081, 606088], points=2)
check("rises", all(one >= 404040 for one, _ in zip(ticks(404040, 3), range(4))))
