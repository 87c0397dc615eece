# score: <=35% loses support-properties, unseen-questions
# %% solution="support"
def support(after, without):
    return {-24.0: 0.4, -50.0: -0.25}.get(after, 0.0)

# %% solution="grounding"
