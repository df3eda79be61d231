"""Start the page in this process, until Ctrl-C."""

import errno
import ipaddress
import socket
import threading
import warnings
import webbrowser

import click
import uvicorn
from fastapi import FastAPI

from scodec.errors import BadRequest, ScodecWarning
from scodec.study.plan import Study


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
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()  # one in a terminal blocks
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2))
    server.run([listener])


def study(study: Study, host: str, port: int) -> None:
    """Serve the page of a study. Raises as `serve`."""
    from scodec.studio.app import judging

    serve(judging(study), host, port, show=False)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections already, so that a browser may come before the server runs."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except (socket.gaierror, UnicodeError) as error:  # the latter where a name is too long
        raise BadRequest(f"can't find the host {host}: give another --host") from error
    except OSError as error:
        option = "--host" if error.errno == errno.EADDRNOTAVAIL else "--port"
        raise BadRequest(f"can't listen at {host}, port {port} ({error.strerror}): give another {option}") from error
    return listener
