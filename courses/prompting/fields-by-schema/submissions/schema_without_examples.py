# score: <=60% loses practice, unseen-letters, works-cleanly
# %% solution="request"
# %% solution="fields"
# %% solution="examples"
EXAMPLES = []

# %% solution="doubts"
