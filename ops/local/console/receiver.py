"""An endpoint of the product that accepts webhooks, or rejects them for a while."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Receives webhooks on a free port of this machine."""

    def __init__(self):
        self.accepts = True
        self.received = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                receiver.received.append((receiver.accepts, json.loads(body)))
                answer = b"thanks" if receiver.accepts else b"The database of the product is being maintained."
                self.send_response(200 if receiver.accepts else 503)
                self.send_header("content-type", "text/plain")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/rollcall"

    def accepted(self, event_type):
        """Returns whether a webhook of this type was accepted."""
        return any(was_accepted and body["type"] == event_type for was_accepted, body in self.received)

    def rejected(self, event_type):
        """Returns whether a webhook of this type was rejected."""
        return any(not was_accepted and body["type"] == event_type for was_accepted, body in self.received)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
