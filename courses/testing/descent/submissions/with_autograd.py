# score: >=95%
# %% solution="step"
def step(a, b, x, y, rate):
    a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
    ((a * x + b - y) ** 2).mean().backward()
    with torch.no_grad():
        return (a - rate * a.grad).detach(), (b - rate * b.grad).detach()
# %% solution="train"
def train(x, y, steps=300, rate=0.1):
    a = b = torch.zeros(())
    losses = []
    while len(losses) < steps:
        losses.append(float(((a * x + b - y) ** 2).mean()))
        a, b = step(a, b, x, y, rate)
    return a.item(), b.item(), losses
