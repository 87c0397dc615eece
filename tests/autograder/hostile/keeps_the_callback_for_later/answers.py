# %% solution="peak"
kept = []
def peak(height):
    kept.append(height)
    try: return kept[0](10**6)
    except Exception as error: return error
