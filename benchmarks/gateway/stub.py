"""A model server that answers at once, with as little work as Python allows: python -m benchmarks.gateway.stub PORT."""

from __future__ import annotations

import asyncio
import json
import sys

_USAGE = {"prompt_tokens": 12, "completion_tokens": 16, "total_tokens": 28}
_HEAD = {"id": "stub", "created": 1, "model": "stub"}
_WORDS = ["one ", "two ", "three ", "four "] * 4


def _answer(body: dict[str, object], status: str = "200 OK") -> bytes:
    raw = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n".encode() + raw


_MESSAGE = {"role": "assistant", "content": "".join(_WORDS)}
_WHOLE = _answer(
    {
        **_HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
)
_MODELS = _answer({"object": "list", "data": [{"id": "stub", "object": "model", "created": 1, "owned_by": "stub"}]})


def _chunks() -> bytes:
    head = {**_HEAD, "object": "chat.completion.chunk"}
    deltas = [{"role": "assistant", "content": ""}, *({"content": word} for word in _WORDS)]
    events = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events.append({**head, "choices": [], "usage": _USAGE})
    lines = [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]
    return b"".join(f"{len(line.encode()):x}\r\n{line}\r\n".encode() for line in lines) + b"0\r\n\r\n"


_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + _chunks()


class _Protocol(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._seen = transport, b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (end := self._seen.find(b"\r\n\r\n")) >= 0:
            head = self._seen[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            whole = end + 4 + length
            if len(self._seen) < whole:
                return
            body, self._seen = self._seen[end + 4 : whole], self._seen[whole:]
            if head.startswith(b"get"):
                answer = _MODELS
            else:
                answer = _STREAM if b'"stream": true' in body or b'"stream":true' in body else _WHOLE
            self._transport.write(answer)  # type: ignore[attr-defined]


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
