# score: 0
# %% solution="template"
TEMPLATE = """
Message: The staff were polite and finished my papers in ten minutes.
Type: praise

Message: My street has been dark for a month and nobody comes.
Type: complaint

Message: What time does the office open?
Type: question

Message: the message
Type:
""".strip()
