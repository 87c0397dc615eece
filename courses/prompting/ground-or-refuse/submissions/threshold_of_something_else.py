# score: <=60% loses unseen-questions
# %% solution="support"
def support(after, without):
    return (after - without) / -without

# %% solution="grounding"
TEMPLATE = "Passage: {notice}\nQuestion:"
BY_SENTENCE = True
THRESHOLD = 0.7
