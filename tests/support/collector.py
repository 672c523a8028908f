"""An OTLP/HTTP collector in a process of its own, which keeps each body that it takes as a file.

    python -m tests.support.collector FOLDER

It prints its address and ends when its input closes.
"""

from __future__ import annotations

import itertools
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def main() -> None:
    folder, count = Path(sys.argv[1]), itertools.count()

    class Collecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made = folder / f"{self.path.rpartition('/')[2]}-{next(count)}"
            made.with_suffix(".part").write_bytes(body)
            made.with_suffix(".part").rename(made)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: what it got is in the folder."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collecting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
