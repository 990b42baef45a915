"""A video whose frames can be told apart, and a local MJPEG stream, for the tests of sources."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

SIZE_WH = (96, 64)
STEP = 12
"""Grey levels from frame to frame."""


def frame(number: int) -> np.ndarray:
    """Frame `number`: an even grey of STEP times its number."""
    return np.full((SIZE_WH[1], SIZE_WH[0], 3), STEP * number, np.uint8)


def number_of(picture: np.ndarray) -> int:
    """Which frame a picture is."""
    return round(float(picture.mean()) / STEP)


def write_video(path: Path, count: int, fps: float = 20.0) -> Path:
    """Write a video of `count` frames (Motion JPEG)."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, SIZE_WH)
    for number in range(count):
        writer.write(frame(number))
    writer.release()
    return path


@contextmanager
def mjpeg_stream(count: int, pause_s: float = 0.02) -> Iterator[str]:
    """Serve `count` frames as multipart JPEG on the loopback address; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
            self.end_headers()
            for number in range(count):
                data = cv2.imencode(".jpg", frame(number))[1].tobytes()
                head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + data + b"\r\n")
                except OSError:
                    return
                time.sleep(pause_s)

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/belt.mjpg"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
