# score: <=60%
# %% solution="template"
TEMPLATE = """
Message: The staff were polite and finished my papers in ten minutes.
Type: praise

Message: Salamat po, napakaayos ng serbisyo ninyo.
Type: praise

Message: Mabait at matulungin po ang inyong mga kawani.
Type: praise

Message: Good job po, ang bilis at ang linis na ng lugar!
Type: praise

Message: I love the new library.
Type: praise

Message: Thank you for the clean park.
Type: praise

Message: {message}
Type:
""".strip()
