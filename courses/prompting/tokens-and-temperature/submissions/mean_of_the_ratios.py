# score: <=60% loses cost-properties, chances-properties
# %% solution="chances"
def chances(scores, temperature):
    powers = [math.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]
# %% solution="cost"
def characters_per_token(language):
    return sum(len(pair[language]) / int(pair[language + "_tokens"]) for pair in PAIRS) / len(PAIRS)


def estimate_tokens(text, language):
    return round(len(text) / characters_per_token(language))
