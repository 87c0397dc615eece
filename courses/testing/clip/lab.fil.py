# %% [markdown]
# # Lagyan ng hangganan ang gantimpala
#
# Ang gantimpalang lumalampas ay pinuputol: ang mas mababa sa `low` ay nagiging `low`, ang mas mataas sa `high` ay
# nagiging `high`, at ang nasa pagitan ay hindi nagbabago.

# %% solution="clip"

# %% demo
clip(5, 0, 3)

# %% test="clip-examples" points=2

# %% test="clip-properties" points=3 hidden
check("hindi lumalampas sa hangganan", all(0 <= clip(x, 0, 1) <= 1 for x in range(-5, 5)), points=2)
check("hindi binabago ang nasa loob", clip(0.25, 0, 1) == 0.25, points=1, hint="tingnan ang gitnang kaso")

# %% [markdown] answer="reflect" points=10
# Saan mo ito hindi gagamitin?
