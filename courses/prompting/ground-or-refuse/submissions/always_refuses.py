# score: <=30% loses unseen-questions, works-cleanly
# %% solution="support"
def support(after, without):
    return (after - without) / -without

# %% solution="grounding"
TEMPLATE = "Passage: {notice}\nQuestion:"
BY_SENTENCE = True
THRESHOLD = 100
