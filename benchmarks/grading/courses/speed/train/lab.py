# %% [markdown]
# # A few steps of training
#
# A language model that is small enough to be trained while one waits.

# %%
import torch
from transformers import LlamaConfig, LlamaForCausalLM

SMALL = LlamaConfig(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=32,
)

# %% solution="new-model"
def new_model(seed):
    """The small model with fresh weights; the same seed gives the same weights."""
    ### BEGIN SOLUTION
    torch.manual_seed(seed)
    return LlamaForCausalLM(SMALL)
    ### END SOLUTION

# %% solution="train"
def train(seed, tokens, steps=20, rate=0.01):
    """Trains a new model on `tokens` with AdamW; gives the loss before each step."""
    ### BEGIN SOLUTION
    model, losses = new_model(seed), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    for _ in range(steps):
        loss = model(input_ids=tokens, labels=tokens).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
    ### END SOLUTION

# %% test="begins-knowing-nothing" points=2
tokens = torch.arange(64).reshape(4, 16) % 8
first = train(0, tokens, steps=1)
assert len(first) == 1
assert 3.5 < first[0] < 5.0

# %% test="learns" points=3 hidden
repeated = torch.arange(96).reshape(4, 24) % 6
curve = train(1, repeated)
check("one loss for each step", len(curve) == 20)
check("the loss falls by half", curve[-1] < curve[0] / 2, points=2)
