# score: <=30% loses practice, unseen-letters
# %% solution="form"
REQUEST = "Fill in the form."

FIELDS = {
    "month": {"enum": MONTHS},
    "day": {"type": "integer", "minimum": 1, "maximum": 31},
    "amount": {"type": "integer", "minimum": 20, "maximum": 99999},
    "name": {"type": "string", "maxLength": 40},
}

EXAMPLES = [
    ("Bayad na po ang P27500 last 3 August, 2026 pero wala pa ring permit. Ako si Gina Lopez.",
     {"name": "Gina Lopez", "amount": 27500, "month": "August", "day": 3}),
    ("Hello, my name is Tess Anne Alvarez. I paid 1,200 pesos on May 14 and got no receipt.",
     {"name": "Tess Anne Alvarez", "amount": 1200, "month": "May", "day": 14}),
    ("Noong ika-9 ng Abril ay siningil ako ng ₱350. Si Mario San Juan po ito.",
     {"name": "Mario San Juan", "amount": 350, "month": "April", "day": 9}),
    ("Please correct my bill of PHP 8,450 of December 21, 2026. Yours, Ben Uy.",
     {"name": "Ben Uy", "amount": 8450, "month": "December", "day": 21}),
    ("Si Lorna Peralta po ito, nagbayad ng 15,000 piso noong Enero 17.",
     {"name": "Lorna Peralta", "amount": 15000, "month": "January", "day": 17}),
    ("On 6 July your driver hit my cart. The damage is ₱2,150. I am Oscar de la Rosa.",
     {"name": "Oscar de la Rosa", "amount": 2150, "month": "July", "day": 6}),
    ("Hanggang ngayon wala ang resibo ng P480 noong ika-30 ng Hunyo. Salamat, Nilda Roque Sison.",
     {"name": "Nilda Roque Sison", "amount": 480, "month": "June", "day": 30}),
    ("Na-charge ako ng 9,300 pesos last February 11. Name ko po ay Cris Yap.",
     {"name": "Cris Yap", "amount": 9300, "month": "February", "day": 11}),
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
