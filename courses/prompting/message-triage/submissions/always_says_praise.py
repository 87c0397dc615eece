# score: <=30%
# %% solution="template"
TEMPLATE = """
Message: {message}
Type: praise
The type is praise. The type is
""".strip()
