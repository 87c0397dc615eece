# score: 8 loses softmax-properties
# %% solution="linear"
def linear(x, weight, bias):
    return torch.einsum("bf,cf->bc", x, weight) + bias
# %% solution="softmax"
def softmax(scores):
    return scores.exp() / scores.exp().sum(dim=-1, keepdim=True)
