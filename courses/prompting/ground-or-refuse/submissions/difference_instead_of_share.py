# score: <=60% loses support-examples, support-properties, unseen-questions
# %% solution="support"
def support(after, without):
    return after - without

# %% solution="grounding"
