# score: <=60% loses unseen-letters
# %% solution="request"
# %% solution="fields"
# %% solution="examples"
EXAMPLES = [
    ("I am Ben Uy and I paid 100 pesos on March 1.", {"name": "Ben Uy", "amount": 100, "month": "March", "day": 1}),
    ("I am Ben Uy and I paid 200 pesos on March 2.", {"name": "Ben Uy", "amount": 200, "month": "March", "day": 2}),
    ("I am Ben Uy and I paid 300 pesos on March 3.", {"name": "Ben Uy", "amount": 300, "month": "March", "day": 3}),
    ("I am Ben Uy and I paid 400 pesos on March 4.", {"name": "Ben Uy", "amount": 400, "month": "March", "day": 4}),
]

# %% solution="doubts"
