"""A real HTTP camera on loopback, for tests: JPEGs in one multipart answer without end."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2

from tests.capture.numbered import numbered

_PERIOD_S = 0.04


def jpeg_of(number: int, size: tuple[int, int] = (640, 360), sampling: int | None = None) -> bytes:
    """`numbered(number)` as a JPEG; `sampling` is one of OpenCV's, 4:2:0 unless said."""
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling] if sampling is not None else []
    _, encoded = cv2.imencode(".jpg", numbered(number, *size), options)
    return encoded.tobytes()


class HttpCamera:
    """Sends `pictures` to each client, 25 a second, and ends; or answers with another status."""

    def __init__(self, pictures: Sequence[bytes], status: int = 200) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                due_s = time.monotonic()
                for picture in pictures if status == 200 else ():
                    head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}"
                    try:
                        self.wfile.write(head.encode() + b"\r\n\r\n" + picture + b"\r\n")
                    except OSError:
                        return
                    due_s += _PERIOD_S
                    time.sleep(max(0.0, due_s - time.monotonic()))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/video"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
