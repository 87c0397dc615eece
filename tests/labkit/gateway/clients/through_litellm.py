"""What a program that uses LiteLLM does: URL KEY in, one JSON object out."""

import asyncio
import json
import sys

import litellm

url, key = sys.argv[1:]
HELLO = [{"role": "user", "content": "good morning to you"}]
given = {"model": "openai/echo", "messages": HELLO, "api_base": url, "api_key": key, "max_tokens": 5}

whole = litellm.completion(**given, temperature=0, seed=1)
chunks = list(litellm.completion(**given, stream=True, stream_options={"include_usage": True}))
text = litellm.text_completion(
    model="text-completion-openai/echo", prompt="one two", api_base=url, api_key=key, max_tokens=3
)
vectors = litellm.embedding(model="openai/echo", input=["a b", "c"], api_base=url, api_key=key)
later = asyncio.run(litellm.acompletion(**given))
try:
    litellm.completion(**{**given, "model": "openai/gpt-9"})
    refused = ""
except litellm.exceptions.APIError as error:
    refused = str(error)
except Exception as error:  # each release has another class for a 403
    refused = str(error)
print(
    json.dumps(
        {
            "whole": whole.choices[0].message.content,
            "streamed": "".join(one.choices[0].delta.content or "" for one in chunks if one.choices).strip(),
            "later": later.choices[0].message.content,
            "completed": text.choices[0].text,
            "vectors": [one["embedding"] for one in vectors.data],
            "refused": refused,
            "tokens": whole.usage.total_tokens
            + chunks[-1].usage.total_tokens
            + text.usage.total_tokens
            + vectors.usage.total_tokens
            + later.usage.total_tokens,
        }
    )
)
