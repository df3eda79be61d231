"""A server of the page in build/web, for its tests and for a look at it: python tests/web_server.py."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "build" / "web"


class Plain(SimpleHTTPRequestHandler):
    """Files of a folder, quietly."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".wasm": "application/wasm"}

    def log_message(self, format: str, *args: object) -> None:
        pass


class Isolated(Plain):
    """The same with the headers of docs/web.md: browsers allow threads to pages that are isolated from others."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


@contextmanager
def serving(handler: type[Plain] = Isolated, port: int = 0) -> Iterator[str]:
    """Serve the page at a port, 0 for any free one; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", port), partial(handler, directory=str(PAGE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


if __name__ == "__main__":
    with serving(port=8000) as address:
        input(f"{address}, until you press Enter")
