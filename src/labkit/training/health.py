"""Says whether the worker goes on, to whoever watches it."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# No step and no reading takes so long (both are bounded), and hardly any base takes so long to load.
SILENT_SECONDS = 300.0


class Stop(threading.Event):
    """What ends a backend's loop. Each look at it says that the loop has gone round."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = time.monotonic()

    def is_set(self) -> bool:
        self.seen = time.monotonic()
        return super().is_set()

    @property
    def goes_on(self) -> bool:
        return time.monotonic() - self.seen < SILENT_SECONDS


def listen(port: int, stop: Stop) -> ThreadingHTTPServer:
    """GET /health on 127.0.0.1, in a thread of its own: 503 where the loop hangs."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/health"
            body = b'{"status":"ok"}' if stop.goes_on else b'{"status":"hangs"}'
            self.send_response((200 if stop.goes_on else 503) if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Health)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
