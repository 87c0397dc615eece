"""Texts become tokens, with a label on those that are learned: what the assistant says, and nothing before it.

The model's own chat template says where an answer begins and ends. It is rendered up to each answer and after it, and
what the second adds is the answer; so it works for templates that mark nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.errors import RequestRefused

Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Row:
    """Tokens, and whether each is learned. The last token has a label; what comes after it would teach nothing."""

    ids: tuple[int, ...]
    learned: tuple[bool, ...]

    @property
    def labels(self) -> int:
        return sum(self.learned)

    @property
    def targets(self) -> tuple[tuple[int, int], ...]:
        """(place that predicts, token to predict), for every label."""
        return tuple((place - 1, self.ids[place]) for place in range(1, len(self.ids)) if self.learned[place])


@dataclass(frozen=True)
class Pair:
    """A preference: two answers to the same messages."""

    chosen: Row
    rejected: Row


def encode(tokenizer: Any, messages: Messages, longest: int, where: str) -> Row:
    """The row of a conversation. RequestRefused, naming `where`, if it is too long or has nothing to learn."""
    ids: list[int] = []
    learned: list[bool] = []
    for place, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        asked = _tokens(tokenizer, messages[:place], answering=True, where=where)
        whole = _tokens(tokenizer, messages[: place + 1], answering=False, where=where)
        if whole[: len(asked)] != asked or asked[: len(ids)] != ids:
            raise RequestRefused(
                f"{where}: the model's chat template does not keep what was said before.",
                instead="Give one answer in each row.",
            )
        # A line's end after the closing mark belongs to the template, not to the answer.
        end = len(whole)
        while end > len(asked) and whole[end - 1] not in _ends(tokenizer):
            end -= 1
        end = end if end > len(asked) else len(whole)
        learned += [False] * (len(asked) - len(ids)) + [True] * (end - len(asked))
        ids = whole[:end]
        if len(ids) > longest:  # told here: what comes after would be read again and again for nothing
            more = "" if place == len(messages) - 1 else " or more"
            raise RequestRefused(
                f"{where}: it has {len(ids)}{more} tokens, at most {longest} are allowed.",
                instead="Shorten it, or raise length.",
            )
    if not any(learned):
        raise RequestRefused(f"{where}: there is no answer to learn.", instead="End it with what the assistant says.")
    return Row(tuple(ids), tuple(learned))


def _tokens(tokenizer: Any, messages: Messages, *, answering: bool, where: str) -> list[int]:
    from jinja2 import TemplateError

    try:
        text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=answering)
    except TemplateError as error:
        raise RequestRefused(
            f"{where}: the model cannot read this ({error}).", instead="Reorder the messages."
        ) from error
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def _ends(tokenizer: Any) -> set[int]:
    return {one for one in (tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|im_end|>")) if one is not None}
