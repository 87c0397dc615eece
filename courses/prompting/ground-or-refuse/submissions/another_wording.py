# score: >=90%
# %% solution="support"

# %% solution="grounding"
TEMPLATE = "Notice of the town: {notice}\nA question that this notice answers:"
BY_SENTENCE = True
THRESHOLD = 0.38
