# score: <=30% loses practice, unseen-letters
# %% solution="request"
REQUEST = "Fill in the form."

# %% solution="fields"
# %% solution="examples"
# %% solution="doubts"
