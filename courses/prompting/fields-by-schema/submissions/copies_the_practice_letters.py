# score: <=35% loses practice, unseen-letters
# %% solution="form"
REQUEST = "{message}"

FIELDS = {
    "month": {"enum": MONTHS},
    "day": {"type": "integer", "minimum": 1, "maximum": 31},
    "amount": {"type": "integer", "minimum": 20, "maximum": 99999},
    "name": {"type": "string", "maxLength": 40},
}

EXAMPLES = [
    ("I am Liza Cecilia Torres and I paid ₱22,500 for a cemetery lot on 24 July, but the lot number is not on the paper.",
     {"name": "Liza Cecilia Torres", "amount": 22500, "month": "July", "day": 24}),
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
