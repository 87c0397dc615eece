# score: <=60%
# %% solution="template"
TEMPLATE = """
Decide whether each message to the city hall is praise, complaint or question.

Message: {message}
Type:
""".strip()
