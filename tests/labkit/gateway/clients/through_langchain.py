"""What a program that uses LangChain does: URL KEY in, one JSON object out."""

import asyncio
import json
import sys

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

url, key = sys.argv[1:]
chat = ChatOpenAI(model="echo", base_url=url, api_key=key, max_tokens=5, temperature=0, stream_usage=True)
# LangChain would send numbers of another model's tokens otherwise.
embeddings = OpenAIEmbeddings(model="echo", base_url=url, api_key=key, check_embedding_ctx_length=False)

whole = chat.invoke([SystemMessage("Be kind."), AIMessage("Hello."), HumanMessage("good morning to you")])
chunks = list(chat.stream("good morning to you"))
summed = chunks[0]
for one in chunks[1:]:
    summed += one
many = chat.batch(["one two", "three"])
later = asyncio.run(chat.ainvoke("good morning to you"))
used = [one.usage_metadata["total_tokens"] for one in (whole, summed, *many, later)]
try:
    ChatOpenAI(model="gpt-9", base_url=url, api_key=key).invoke("hello")
    refused = ""
except Exception as error:
    refused = str(error)
print(
    json.dumps(
        {
            "whole": whole.content,
            "streamed": summed.content.strip(),
            "later": later.content,
            "many": [one.content for one in many],
            "vectors": [*embeddings.embed_documents(["a b", "c"]), embeddings.embed_query("a b")],
            "refused": refused,
            "tokens": sum(used) + 3 + 2,
        }
    )
)
