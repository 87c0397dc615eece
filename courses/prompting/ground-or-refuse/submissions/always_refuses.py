# score: <=30% loses unseen-questions, works-cleanly
# %% solution="support"

# %% solution="grounding"
TEMPLATE = "Passage: {notice}\nQuestion:"
BY_SENTENCE = True
THRESHOLD = 100
