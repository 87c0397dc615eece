# score: >=90%
# %% solution="request"
# %% solution="fields"
# %% solution="examples"
EXAMPLES = [
    ("This is Vilma Sarmiento. The cashier took PHP 640 from me on 19 January.",
     {"name": "Vilma Sarmiento", "amount": 640, "month": "January", "day": 19}),
    ("Ako po si Dado Luna. Noong Oktubre 8 ay nagbayad ako ng ₱5,250 at walang resibo.",
     {"name": "Dado Luna", "amount": 5250, "month": "October", "day": 8}),
    ("Last November 27, 2026 na-charge kami ng P18000. Name: Perla Mae Quiambao.",
     {"name": "Perla Mae Quiambao", "amount": 18000, "month": "November", "day": 27}),
    ("On September 13 your truck broke our gate. The carpenter asks 3,700 pesos. Alex de la Pena.",
     {"name": "Alex de la Pena", "amount": 3700, "month": "September", "day": 13}),
    ("Pakibalik po ang 925 piso na kinuha noong ika-2 ng Marso. Si Sonia Tiu ito.",
     {"name": "Sonia Tiu", "amount": 925, "month": "March", "day": 2}),
    ("Bayad na ang PHP 31,000 noong Agosto 22 pero wala pang papel. Gloria Ann Bello po.",
     {"name": "Gloria Ann Bello", "amount": 31000, "month": "August", "day": 22}),
    ("I am Hector Pangan and on 30 April, 2026 I paid ₱475 for nothing.",
     {"name": "Hector Pangan", "amount": 475, "month": "April", "day": 30}),
    ("Si Tomas Villegas po, siningil ng 12,500 pesos last June 5.",
     {"name": "Tomas Villegas", "amount": 12500, "month": "June", "day": 5}),
]

# %% solution="doubts"
def doubtful(record, text):
    known = {"name": [record["name"]] if record["name"] in text else [], "amount": numbers_in(text), "day": numbers_in(text)}
    return [field for field in known if record[field] not in known[field]]
