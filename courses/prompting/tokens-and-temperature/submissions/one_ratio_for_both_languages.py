# score: <=60% loses cost-properties, chances-properties
# %% solution="chances"
def chances(scores, temperature):
    powers = [math.exp(score / temperature) for score in scores]
    return powers
# %% solution="cost"
def characters_per_token(language):
    return 4.0


def estimate_tokens(text, language):
    return round(len(text) / 4)
