# score: <=30%
# %% solution="chances"
def chances(scores, temperature):
    return [1 / len(scores)] * len(scores)
# %% solution="cost"
def characters_per_token(language):
    return 4.0


def estimate_tokens(text, language):
    return 10
