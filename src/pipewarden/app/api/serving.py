"""The service in the foreground: an address, an application, and an orderly end."""

from __future__ import annotations

import signal
import socket

from pipewarden.app.cli.output.terminal import say
from pipewarden.errors import MissingExtra, UsageError
from pipewarden.jobs.workspace import Workspace
from pipewarden.report.wording import count


def serve(workspace: Workspace) -> None:
    """Answer HTTP and run jobs until Ctrl-C or SIGTERM.

    Raises
    ------
    UsageError
        The address cannot be listened at, or is not a loopback one while there are no keys.
    MissingExtra
        The extra ``service`` is not installed.
    """
    try:
        import uvicorn

        from pipewarden.app.api.application import application
        from pipewarden.app.api.edge.access import check_address
        from pipewarden.jobs.queue.tracing import name_requests
    except ImportError as error:
        raise MissingExtra("The HTTP API", "service") from error
    settings = workspace.settings.service
    check_address(workspace, settings.host)
    name_requests()
    listening = _listening(settings.host, settings.port)
    config = uvicorn.Config(
        application(workspace),
        root_path=settings.root_path,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.request_seconds) + 1,
        backlog=2048,
    )
    where, port = settings.host, listening.getsockname()[1]
    shown = f"[{where}]" if ":" in where else where
    say(
        f"serving at http://{shown}:{port}{settings.root_path}: "
        f"{count(settings.workers, 'document process', 'document processes')}, "
        f"{count(settings.jobs, 'job')} at once; Ctrl-C ends"
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        # The server takes both while it runs, and raises them again when it has ended well.
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # With its protocol named, asyncio sends each answer at once; else its second half waits
        # for the client's acknowledgement of the first, which takes 40 ms.
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(2048)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be listened at: {error.strerror or error}",
            left_behind="nothing was started",
            next_step="give another --host or --port",
        ) from error
    return made
