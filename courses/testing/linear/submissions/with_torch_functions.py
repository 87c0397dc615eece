# score: >=95%
# %% solution="linear"
def linear(x, weight, bias):
    return torch.nn.functional.linear(x, weight, bias)
# %% solution="softmax"
softmax = torch.nn.Softmax(dim=-1)
