"""Start the page in this process, until Ctrl-C."""

import ipaddress
import socket
import warnings
import webbrowser
from pathlib import Path

import click
import uvicorn
from fastapi import FastAPI

from scodec.errors import BadRequest, ScodecWarning


def serve(app: FastAPI, host: str, port: int, show: bool) -> None:
    """Listen, tell the address, and with `show` open it in a browser. port: 0 takes any that is free.

    Raises BadRequest if the address can't be had.
    """
    listener = _listen(host, port)
    name, port = listener.getsockname()[:2]
    address = f"http://{f'[{name}]' if ':' in name else name}:{port}/"
    if not ipaddress.ip_address(name).is_loopback:
        warnings.warn(f"whoever reaches {host} can use the page, without a password", ScodecWarning, 2)
    click.echo(f"scodec: the page is at {address}, until Ctrl-C", err=True)
    if show:
        webbrowser.open(address)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2))
    server.run([listener])


def study(folder: Path, host: str, port: int) -> None:
    """Serve the page of a study. Raises BadRequest if there is none in the folder, and as `serve`."""
    from scodec.studio.app import judging

    serve(judging(folder), host, port, show=False)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise BadRequest(f"can't listen at {host}, port {port} ({error.strerror}): give another --port") from error
    return listener
