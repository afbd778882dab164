"""A chat server on this machine that misbehaves as told: a list of replies in, the requests it received out."""
from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GOOD = (
    "Foot: Walking speed is slightly reduced with short steps. Arm: Arm swing is reduced on both sides. "
    "Overall: The rhythm is steady and the person walks independently."
)


@dataclass
class Double:
    """`script` holds what the next requests get.

    That is a status (alone, or with headers or a body), an answer's text, or one of `half`, `reset`, `stall`, `drip`.
    """

    script: list[object]
    seen: list[dict] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    url: str = ""
    release: threading.Event = field(default_factory=threading.Event)


def completion(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


@contextmanager
def serving(*script: object) -> Iterator[Double]:
    """A running server; when the script is used up, it answers well."""
    double = Double(list(script))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            double.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            double.headers.append(dict(self.headers))
            self.reply(double.script.pop(0) if double.script else GOOD)

        def reply(self, what: object) -> None:
            if what == "stall":
                double.release.wait(20)
            if what in ("reset", "stall"):
                self.close_connection = True
                self.connection.close()
                return
            if what == "drip":
                self._drip()
                return
            status, more = what if isinstance(what, tuple) else (what if isinstance(what, int) else 200, {})
            headers = more if isinstance(more, dict) else {}
            body = completion(what) if isinstance(what, str) else b"{}"
            body = more.encode() if isinstance(more, str) else body
            body = completion(GOOD)[:40] if what == "half" else body
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _drip(self) -> None:
            """One byte of a long response at a time, until nobody listens any more."""
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.close_connection = True
            try:
                while not double.release.wait(0.02):
                    self.wfile.write(b" ")
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    double.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        double.release.set()
        server.shutdown()
        server.server_close()
