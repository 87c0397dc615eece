# score: <=60% loses unseen-letters
# %% solution="request"
# %% solution="fields"
FIELDS = {
    "month": {"enum": MONTHS},
    "day": {"type": "integer"},
    "amount": {"type": "integer"},
    "name": {"type": "string", "maxLength": 40},
}

# %% solution="examples"
EXAMPLES = [
    ("Bayad na po ang P27500 last 3 August, 2026 pero wala pa ring permit. Ako si Gina Lopez.",
     {"name": "Gina Lopez", "day": 27500, "month": "August", "amount": 3}),
    ("Hello, my name is Tess Anne Alvarez. I paid 1,200 pesos on May 14 and got no receipt.",
     {"name": "Tess Anne Alvarez", "day": 1200, "month": "May", "amount": 14}),
    ("Noong ika-9 ng Abril ay siningil ako ng ₱350. Si Mario San Juan po ito.",
     {"name": "Mario San Juan", "day": 350, "month": "April", "amount": 9}),
    ("Please correct my bill of PHP 8,450 of December 21, 2026. Yours, Ben Uy.",
     {"name": "Ben Uy", "day": 8450, "month": "December", "amount": 21}),
    ("Si Lorna Peralta po ito, nagbayad ng 15,000 piso noong Enero 17.",
     {"name": "Lorna Peralta", "day": 15000, "month": "January", "amount": 17}),
    ("On 6 July your driver hit my cart. The damage is ₱2,150. I am Oscar de la Rosa.",
     {"name": "Oscar de la Rosa", "day": 2150, "month": "July", "amount": 6}),
    ("Hanggang ngayon wala ang resibo ng P480 noong ika-30 ng Hunyo. Salamat, Nilda Roque Sison.",
     {"name": "Nilda Roque Sison", "day": 480, "month": "June", "amount": 30}),
    ("Na-charge ako ng 9,300 pesos last February 11. Name ko po ay Cris Yap.",
     {"name": "Cris Yap", "day": 9300, "month": "February", "amount": 11}),
]

# %% solution="doubts"
