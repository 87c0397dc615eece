# score: <=30% loses unseen-questions, works-cleanly
# %% solution="support"
def support(after, without):
    return (after - without) / -without

# %% solution="grounding"
TEMPLATE = "Question:"
BY_SENTENCE = True
THRESHOLD = 0.36
