# score: <=30% loses unseen-questions, works-cleanly
# %% solution="support"

# %% solution="grounding"
TEMPLATE = "Question:"
BY_SENTENCE = True
THRESHOLD = 0.36
