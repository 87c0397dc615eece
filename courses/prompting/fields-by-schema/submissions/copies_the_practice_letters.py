# score: <=35% loses practice, unseen-letters
# %% solution="request"
# %% solution="fields"
# %% solution="examples"
EXAMPLES = [
    ("I am Liza Cecilia Torres and I paid ₱22,500 for a cemetery lot on 24 July, but the lot number is not on the paper.",
     {"name": "Liza Cecilia Torres", "amount": 22500, "month": "July", "day": 24}),
]

# %% solution="doubts"
