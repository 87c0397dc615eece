# %% [markdown]
# # A tiny training loop
#
# Fit `y = a * x + b` by gradient descent on the mean squared error, starting from zero.

# %%
import torch

# %% solution="step"
def step(a, b, x, y, rate):
    """One step of gradient descent; returns the new a and b."""
    ### BEGIN SOLUTION
    error = a * x + b - y
    return a - rate * 2 * (error * x).mean(), b - rate * 2 * error.mean()
    ### END SOLUTION

# %% solution="train"
def train(x, y, steps=300, rate=0.1):
    """The a and b after `steps` steps from zero, and the mean squared error before each step."""
    ### BEGIN SOLUTION
    a, b, losses = torch.tensor(0.0), torch.tensor(0.0), []
    for _ in range(steps):
        losses.append(((a * x + b - y) ** 2).mean().item())
        a, b = step(a, b, x, y, rate)
    return float(a), float(b), losses
    ### END SOLUTION

# %% test="one-step" points=3
a, b = step(torch.tensor(0.0), torch.tensor(0.0), torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]), 0.1)
check("a moves towards the slope", abs(float(a) - 1.0) < 1e-4, points=2)
check("b moves too", abs(float(b) - 0.6) < 1e-4)

# %% test="fits-a-line" points=7 hidden
torch.manual_seed(3)
points = torch.rand(64) * 2 - 1
slope, height, curve = train(points, 1.7 * points - 0.4)
check("finds the slope", abs(slope - 1.7) < 0.02, points=3)
check("finds the height", abs(height + 0.4) < 0.02, points=2)
falls = len(curve) == 300 and all(later <= earlier + 1e-6 for earlier, later in zip(curve, curve[1:]))
check("the loss never rises", falls, points=2, hint="return one loss for each step")
