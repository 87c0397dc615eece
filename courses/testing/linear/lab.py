# %% [markdown]
# # A linear layer and its softmax
#
# A classifier's last step: weights times features plus a bias gives one score for each class, and softmax turns the
# scores into probabilities.

# %%
import torch

# %% solution="linear"
def linear(x, weight, bias):
    """x is (batch, features), weight is (classes, features), bias is (classes,)."""
    ### BEGIN SOLUTION
    return x @ weight.T + bias
    ### END SOLUTION

# %% solution="softmax"
def softmax(scores):
    """Probabilities over the last dimension, for scores of any size."""
    ### BEGIN SOLUTION
    shifted = scores - scores.max(dim=-1, keepdim=True).values
    return shifted.exp() / shifted.exp().sum(dim=-1, keepdim=True)
    ### END SOLUTION

# %% test="linear-example" points=2
x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.tensor([0.5, -1.0])
assert torch.allclose(linear(x, weight, bias), torch.tensor([[1.5, 5.0]]))

# %% test="linear-random" points=3 hidden
torch.manual_seed(7)
batch, matrix, offset = torch.randn(5, 4), torch.randn(3, 4), torch.randn(3)
expected = torch.nn.functional.linear(batch, matrix, offset)
given = linear(batch, matrix, offset)
check("gives one row for each input and one column for each class", given.shape == expected.shape, points=1)
check("is weight times features plus bias", torch.allclose(given, expected, atol=1e-5), points=2)

# %% test="softmax-properties" points=5 hidden
scores = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
rows = softmax(scores.clone())  # an answer may change what it is handed
check("each row adds up to 1", torch.allclose(rows.sum(dim=-1), torch.ones(2), atol=1e-5), points=1)
check("agrees with torch", torch.allclose(rows, torch.softmax(scores, dim=-1), atol=1e-5), points=2)
large = softmax(torch.tensor([[1000.0, 1000.0]]))
check("holds for large scores", torch.allclose(large, torch.tensor([[0.5, 0.5]])), points=2, hint="subtract the maximum")
