# score: <=30% loses unseen-letters, works-cleanly
# %% solution="request"
# %% solution="fields"
FIELDS = {
    "month": {"enum": ["May"]},
    "day": {"enum": [14]},
    "amount": {"enum": [1200]},
    "name": {"enum": ["Ana Santos"]},
}

# %% solution="examples"
EXAMPLES = []

# %% solution="doubts"
