# score: <=60% loses unseen-letters
# %% solution="form"
REQUEST = "{message}"

FIELDS = {
    "month": {"enum": MONTHS},
    "day": {"type": "integer", "minimum": 1, "maximum": 31},
    "amount": {"type": "integer", "minimum": 20, "maximum": 99999},
    "name": {"type": "string", "maxLength": 40},
}

EXAMPLES = [
    ("I am Ben Uy and I paid 100 pesos on March 1.", {"name": "Ben Uy", "amount": 100, "month": "March", "day": 1}),
    ("I am Ben Uy and I paid 200 pesos on March 2.", {"name": "Ben Uy", "amount": 200, "month": "March", "day": 2}),
    ("I am Ben Uy and I paid 300 pesos on March 3.", {"name": "Ben Uy", "amount": 300, "month": "March", "day": 3}),
    ("I am Ben Uy and I paid 400 pesos on March 4.", {"name": "Ben Uy", "amount": 400, "month": "March", "day": 4}),
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
