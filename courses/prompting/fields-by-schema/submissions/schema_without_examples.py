# score: <=60% loses practice, unseen-letters, works-cleanly
# %% solution="form"
REQUEST = "{message}"

FIELDS = {
    "month": {"enum": MONTHS},
    "day": {"type": "integer", "minimum": 1, "maximum": 31},
    "amount": {"type": "integer", "minimum": 20, "maximum": 99999},
    "name": {"type": "string", "maxLength": 40},
}

EXAMPLES = [
]

# %% solution="doubts"
def doubtful(record, text):
    doubts = []
    if record["name"] not in text:
        doubts.append("name")
    for field in ("amount", "day"):
        if record[field] not in numbers_in(text):
            doubts.append(field)
    return doubts
