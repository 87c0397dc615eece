# score: <=83% loses chances-properties, chances-examples
# %% solution="chances"
def chances(scores, temperature):
    powers = [math.exp(score / temperature) for score in scores]
    return [power / sum(powers) for power in powers]
# %% solution="cost"
def characters_per_token(language):
    return sum(len(pair[language]) for pair in PAIRS) / sum(int(pair[language + "_tokens"]) for pair in PAIRS)


def estimate_tokens(text, language):
    return max(1, round(len(text) / characters_per_token(language)))
