"""Cuts off a child process of the tests as pytest-socket cuts off the suite; Python imports it at every start.

An attempt is refused, and written down in the file that OFFLINE_LOG names: whoever tried may keep the error to himself.
"""

import ipaddress
import os
import sys

_CONNECTING = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOOKING_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def _is_loopback(host):
    """Whether an address is this machine's own; None for a name, which somebody would have to be asked for."""
    host = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(host, str) or host in {"", "localhost"}:  # no host, or the number of another kind of socket
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return None


def _refuse(event, arguments):
    if event in _CONNECTING:
        address = arguments[1]
        if not isinstance(address, tuple) or _is_loopback(address[0]):  # a path is a socket of this machine, too
            return
    elif event in _LOOKING_UP:
        address = arguments[0]
        if _is_loopback(address) is not None:
            return
    else:
        return
    if "OFFLINE_LOG" in os.environ:
        with open(os.environ["OFFLINE_LOG"], "a", encoding="utf-8") as log:  # noqa: PTH123 (pathlib takes its time)
            log.write(f"{event} {address!r} by {sys.orig_argv!r}\n")
    raise PermissionError(f"{event} {address!r}: child processes of the tests are cut off")


sys.addaudithook(_refuse)
