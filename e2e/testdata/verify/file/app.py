"""Berths: / answers at once, /plan reads a template when it is asked for."""
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Berths(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/plan":
            with open("templates/plan.html") as page:
                body = page.read()
        else:
            body = "42 berths\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(body.encode())


ThreadingHTTPServer(("0.0.0.0", 8000), Berths).serve_forever()
