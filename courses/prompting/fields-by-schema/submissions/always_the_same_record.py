# score: <=30% loses unseen-letters, works-cleanly
# %% solution="form"
REQUEST = "{message}"
FIELDS = {
    "month": {"enum": ["May"]},
    "day": {"enum": [14]},
    "amount": {"enum": [1200]},
    "name": {"enum": ["Ana Santos"]},
}
EXAMPLES = []

# %% solution="doubts"
def doubtful(record, text):
    doubts = []
    if record["name"] not in text:
        doubts.append("name")
    for field in ("amount", "day"):
        if record[field] not in numbers_in(text):
            doubts.append(field)
    return doubts
