"""A real time-stamping authority: `openssl ts` with a certificate of its own, behind HTTP."""

from __future__ import annotations

import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

SETTINGS = """
[req]
distinguished_name = name
[name]
[tsa]
extendedKeyUsage = critical, timeStamping
[root]
basicConstraints = critical, CA:TRUE
[ts]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


class Authority:
    """Answers at `address` while it is entered. `mood`: "well", "error", "refuse", "garbage",
    "replay" (the answer to an earlier question), "hang"."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.root = folder / "root.pem"
        self.mood = "well"
        self.asked = 0
        self._last = b""
        settings = folder / "openssl.cnf"
        settings.write_text(SETTINGS.format(folder=folder))
        (folder / "serial").write_text("01\n")
        chosen = ("-config", str(settings), "-newkey", "rsa:2048", "-nodes")
        _openssl(
            "req", "-x509", *chosen, "-keyout", str(folder / "root.key"),
            "-out", str(self.root), "-subj", "/CN=root", "-days", "30", "-extensions", "root",
        )  # fmt: skip
        _openssl(
            "req", *chosen, "-keyout", str(folder / "tsa.key"),
            "-out", str(folder / "tsa.csr"), "-subj", "/CN=tsa",
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-in", str(folder / "tsa.csr"), "-CA", str(self.root),
            "-CAkey", str(folder / "root.key"), "-set_serial", "2", "-days", "30",
            "-extfile", str(settings), "-extensions", "tsa", "-out", str(folder / "tsa.pem"),
        )  # fmt: skip
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                authority.asked += 1
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if authority.mood == "error":
                    self.send_error(503)
                    return
                if authority.mood == "hang":
                    time.sleep(5)
                answer = authority.answer(content)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/tsr"

    def answer(self, question: bytes) -> bytes:
        """What it says to a question, by its mood."""
        if self.mood == "garbage":
            return b"<html>please log in</html>"
        if self.mood == "replay":
            return self._last
        asked, said = self.folder / "asked", self.folder / "said"
        asked.write_bytes(b"\x30\x00" if self.mood == "refuse" else question)
        _openssl(
            "ts", "-reply", "-config", str(self.folder / "openssl.cnf"), "-section", "one",
            "-queryfile", str(asked), "-out", str(said),
        )  # fmt: skip
        self._last = said.read_bytes()
        return self._last

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
