"""Chat with a prepared model in this process: llama.cpp on one slot and one thread, one call at a time.

What this does not cover: the last bits of what llama.cpp computes depend on what it computed before, since it keeps the
beginning that two prompts share. From the same first call on it answers alike; another order may change a word.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from typing import Any

from labkit.errors import ModelUnavailable, RequestRefused
from labkit.models.embedded import Prepared
from labkit.models.serve import Settings, llama_server


class Chatter:
    """Speaks OpenAI's chat completions."""

    def __init__(self, prepared: Prepared) -> None:
        # It listens too, which llama.cpp leaves no choice about: on a free port, behind a key that nobody is told.
        settings = Settings(home="", port=0, scoring_port=0, key_file="", slots=1)
        self._server = llama_server(prepared, settings, secrets.token_hex(32))
        self._lock = threading.Lock()

    def answer(self, body: Mapping[str, Any]) -> str:
        """The text of the first choice. Raises RequestRefused for a body that llama.cpp refuses."""
        with self._lock:
            try:
                told = self._server.handle_chat_completions(dict(body))
            except ValueError as wrong:  # a schema of which no grammar can be made
                told = {"error": {"message": str(wrong), "code": 400}}
        if error := told.get("error"):
            said = str(error.get("message", error))
            if int(error.get("code", 400)) < 500:
                raise RequestRefused(f"The model refuses this: {said}.", instead="Look at your messages and options.")
            raise ModelUnavailable(f"The model failed: {said}.", instead="Try again.")
        return str(told["choices"][0]["message"]["content"])
