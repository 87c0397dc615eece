# score: <=60%
# %% solution="template"
TEMPLATE = """
Message: The staff were polite and finished my papers in ten minutes.
Type: complaint

Message: My street has been dark for a month and nobody comes.
Type: question

Message: What time does the office open?
Type: praise

Message: Salamat po, napakaayos ng serbisyo ninyo.
Type: complaint

Message: Ang bagal ng proseso, sayang ang oras namin.
Type: question

Message: Saan po kukuha ng form?
Type: praise

Message: {message}
Type:
""".strip()
