# score: <=60% loses linear-example, linear-random
# %% solution="linear"
def linear(x, weight, bias):
    return x @ weight.T
# %% solution="softmax"
def softmax(scores):
    return torch.ones_like(scores) / scores.shape[-1]
