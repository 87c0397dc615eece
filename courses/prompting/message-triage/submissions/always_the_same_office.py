# score: <=85% loses unseen-routing
# %% solution="template"
# %% solution="routing"
ROUTING = """
Message: I lost my birth certificate and need a copy.
Office: garbage

Message: Nobody has collected our trash for a week.
Office: garbage

Message: {message}
Office:
""".strip()
