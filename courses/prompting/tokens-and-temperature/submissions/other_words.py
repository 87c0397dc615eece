# score: >=95%
# %% solution="chances"
def chances(scores, temperature):
    top = max(scores)
    if temperature <= 0:
        best = scores.count(top)
        return [(score == top) / best for score in scores]
    weights = []
    for score in scores:
        weights.append(math.e ** ((score - top) / temperature))
    total = math.fsum(weights)
    return [weight / total for weight in weights]
# %% solution="cost"
def characters_per_token(language):
    text = "".join(pair[language] for pair in PAIRS)
    return len(text) / sum(int(pair[f"{language}_tokens"]) for pair in PAIRS)


def estimate_tokens(text, language):
    return int(max(1.0, len(text) / characters_per_token(language) + 0.5))
