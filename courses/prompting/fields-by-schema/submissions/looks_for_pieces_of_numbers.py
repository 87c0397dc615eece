# score: <=98% loses catches-unseen
# %% solution="request"
# %% solution="fields"
# %% solution="examples"
# %% solution="doubts"
def doubtful(record, text):
    return [field for field in ("name", "amount", "day") if str(record[field]) not in text.replace(",", "")]
