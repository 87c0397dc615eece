"""A plot with words: JupyterLab shows pictures that nothing can read aloud, so ours come with a text of their own."""

from __future__ import annotations

import base64
import html
import io
import sys
from typing import Any

from labkit.errors import RequestRefused


def show(figure: Any, says: str) -> None:
    """Shows a matplotlib figure once, with `says` for whoever cannot see it: what it shows, in a sentence or two.

    Raises RequestRefused for anything else than a figure, and for a picture without words.
    """
    if not hasattr(figure, "savefig"):
        raise RequestRefused(
            "labkit.show takes a figure of matplotlib.", instead="Write figure, axes = plt.subplots()."
        )
    if not isinstance(says, str) or not says.strip():
        raise RequestRefused("A picture needs words.", instead='Say what it shows: labkit.show(figure, "...").')
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=96, bbox_inches="tight", facecolor="white")
    if plots := sys.modules.get("matplotlib.pyplot"):
        plots.close(figure)  # or it would be shown again at the end of the cell, without words
    _display(base64.b64encode(content.getvalue()).decode(), says.strip())


def _display(picture: str, says: str) -> None:
    from IPython.display import display

    if not _in_a_notebook():
        print(says)
        return
    image = f'<img alt="{html.escape(says)}" src="data:image/png;base64,{picture}">'
    display({"text/html": image, "text/plain": says}, raw=True)


def _in_a_notebook() -> bool:
    from IPython import get_ipython

    return get_ipython() is not None
