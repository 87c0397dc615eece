# score: 4 loses one-step, fits-a-line
# %% solution="step"
def step(a, b, x, y, rate):
    error = a * x + b - y
    return a - rate * 2 * (error * x).mean(), b
# %% solution="train"
def train(x, y, steps=300, rate=0.1):
    a, b, losses = torch.tensor(0.0), torch.tensor(0.0), []
    for _ in range(steps):
        losses.append(((a * x + b - y) ** 2).mean().item())
        a, b = step(a, b, x, y, rate)
    return float(a), float(b), losses
