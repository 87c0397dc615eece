# score: <=60% loses chances-examples, chances-properties
# %% solution="chances"
def chances(scores, temperature):
    largest = max(scores)
    if temperature == 0:
        return [1.0 if score == largest else 0.0 for score in scores]
    return [math.exp((score - largest) / temperature) for score in scores]
# %% solution="cost"
def characters_per_token(language):
    return sum(len(pair[language]) for pair in PAIRS) / sum(int(pair[language + "_tokens"]) for pair in PAIRS)


def estimate_tokens(text, language):
    return max(1, round(len(text) / characters_per_token(language)))
