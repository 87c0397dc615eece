# %% solution="clip"
import asyncio
async def clip(x, low, high):
    await asyncio.Event().wait()
