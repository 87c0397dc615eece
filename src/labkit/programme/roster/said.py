"""A sentence that can be said again in another language: English text that remembers what it was made of.

It is a `str`, so JSON, the command line and comparisons know nothing of it; pages translate its template through the
message catalogue, which is read from the calls of `say` in this room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Said(str):
    """`template` is the catalogue's text (`%(name)s`), `values` what stands in it: text, numbers, or sentences."""

    template: str
    values: Mapping[str, object]

    __slots__ = ("template", "values")


def say(template: str, **values: object) -> Said:
    text = Said(template % values if values else template)
    text.template, text.values = template, values
    return text


def translated(text: str, translate: Callable[[str], str]) -> str:
    """`text` in the language of `translate`; what was not made by `say` stays as it is."""
    if not isinstance(text, Said):
        return text
    values = {
        name: translated(value, translate) if isinstance(value, str) else value for name, value in text.values.items()
    }
    template = translate(text.template)
    return template % values if values else template
