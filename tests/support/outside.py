"""What an agent's host could reach: a gateway that is healthy, and a provider that answers."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading


class _Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


class _Six(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6


def _serve() -> None:
    servers = [
        http.server.ThreadingHTTPServer(("10.77.0.2", 8700), _Healthy),
        socketserver.ThreadingTCPServer(("203.0.113.9", 443), _Answering),
        socketserver.ThreadingTCPServer(("203.0.113.9", 8443), _Answering),
        _Six(("2001:db8::9", 443), _Answering),
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    _serve()
