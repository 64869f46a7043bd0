"""On PYTHONPATH, Python imports this first: it ends a process that turns to the network, and says which stage it was.

Only collect of a hub data set and the first load of a hub model may do so. A library that calls home would otherwise go
unnoticed: it catches its own errors.
"""

import os
import sys

EVENTS = (
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.getnameinfo",
    "socket.sendmsg",
    "socket.sendto",
)
IPV6_PROBE = ("::1", 0)  # urllib3 binds a socket to it when it is imported, to see if there is IPv6


def end_if_network(event: str, arguments: tuple[object, ...]) -> None:
    if event not in EVENTS:
        return
    if event.startswith(("socket.get",)):
        address = arguments[0]
    else:
        address = arguments[1] if len(arguments) > 1 else None
        if not isinstance(address, tuple) or (event == "socket.bind" and address == IPV6_PROBE):
            return  # a socket of this machine, between processes
    name = os.environ.get("DVC_STAGE") or " ".join(sys.orig_argv[1:])
    line = f"network: {name}: {event} {address!r}\n"
    os.write(2, line.encode())
    if log := os.environ.get("NETWORK_LOG"):  # for processes whose output nobody reads
        with open(log, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(line)
    os._exit(86)


sys.addaudithook(end_if_network)
