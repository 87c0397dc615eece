"""What a program that uses LlamaIndex does: URL KEY in, one JSON object out."""

import asyncio
import json
import sys

from llama_index.core.llms import ChatMessage
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai_like import OpenAILike

url, key = sys.argv[1:]
given = {"model": "echo", "api_base": url, "api_key": key, "max_tokens": 5, "context_window": 2048, "max_retries": 0}
chat = OpenAILike(**given, is_chat_model=True)
plain = OpenAILike(**given, is_chat_model=False)
embeddings = OpenAIEmbedding(model_name="echo", api_base=url, api_key=key)
HELLO = [ChatMessage(role="system", content="Be kind."), ChatMessage(role="user", content="good morning to you")]

whole = chat.chat(HELLO)
streamed = list(chat.stream_chat(HELLO))
later = asyncio.run(chat.achat(HELLO))
completed = plain.complete("one two")
try:
    OpenAILike(**{**given, "model": "gpt-9"}, is_chat_model=True).chat(HELLO)
    refused = ""
except Exception as error:
    refused = str(error)
print(
    json.dumps(
        {
            "whole": whole.message.content,
            "streamed": streamed[-1].message.content.strip(),
            "later": later.message.content,
            "completed": completed.text,
            "vectors": [*embeddings.get_text_embedding_batch(["a b", "c"]), embeddings.get_text_embedding("a b")],
            "refused": refused,
            "tokens": 3 * 9 + completed.raw.usage.total_tokens + 3 + 2,
        }
    )
)
