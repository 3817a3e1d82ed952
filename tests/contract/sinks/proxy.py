"""A way to a server that can be closed and opened again: the server goes down and comes back."""

from __future__ import annotations

import contextlib
import select
import socket
import threading


class Proxy:
    """Passes bytes between a port of its own and a server, while it is open."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener: socket.socket | None = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        probe = socket.create_server(("127.0.0.1", 0))
        self.port = int(probe.getsockname()[1])
        probe.close()
        self.open()

    def open(self) -> None:
        """Let connections through."""
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.settimeout(0.05)
        self._start(self._accept, self._listener, self._stop)

    def close(self) -> None:
        """Cut every connection and refuse new ones."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _start(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                near, _ = listener.accept()
            except TimeoutError:
                continue
            far = socket.create_connection(self._to)
            self._start(_pass_on, near, far, stop)


def _pass_on(near: socket.socket, far: socket.socket, stop: threading.Event) -> None:
    with near, far, contextlib.suppress(OSError):
        while not stop.is_set():
            for ready in select.select([near, far], [], [], 0.05)[0]:
                data = ready.recv(262_144)
                if not data:
                    return
                (far if ready is near else near).sendall(data)
