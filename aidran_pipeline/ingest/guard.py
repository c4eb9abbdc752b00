"""The guard against server-side request forgery, and the wall clock of a request: a network backend for httpcore.

The address is checked where it is dialled, after name resolution, for every connection: a name that changes its
answer between check and use gains nothing, and each redirect hop passes here again. The habit is miniflux's.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpcore

NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class RefusedAddress(OSError):
    """The name leads to an address that is not public and not allowed."""


class UnknownHost(OSError):
    """The name does not resolve."""


class DeadlinePassed(OSError):
    """The whole request took longer than it may."""


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public internet; IPv4 inside IPv6 (mapped, 6to4, Teredo, NAT64) counts."""
    try:
        address: Address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


class Deadline(threading.local):
    """The moment (monotonic) at which the request of this thread must be over. httpx's own timeouts are per read."""

    at: float | None = None
    connect: float | None = None

    def remaining(self, asked: float | None) -> float | None:
        """Seconds that one operation may take. Raises DeadlinePassed when none are left."""
        if self.at is None:
            return asked
        left = self.at - time.monotonic()
        if left <= 0:
            raise DeadlinePassed("the total deadline has passed")
        return left if asked is None else min(asked, left)


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every operation ends with the deadline of the whole request."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.remaining(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.remaining(timeout))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Dials public addresses and allowed hosts only.

    dial: exact host names that are not resolved, and the (address, port) dialled in their place, whatever port was
    asked for. Only the bundled sample has any: its hosts are names that no resolver may know.
    """

    def __init__(
        self, allow_hosts: Iterable[str], deadline: Deadline, dial: Mapping[str, tuple[str, int]] | None = None
    ) -> None:
        self._allowed = frozenset(host.lower().strip("[]") for host in allow_hosts)
        self._dial = {host.lower(): place for host, place in (dial or {}).items()}
        self._deadline = deadline
        self._real = httpcore.SyncBackend()

    def allows(self, host: str, port: int | None = None) -> bool:
        """Whether configuration lets this host pass whatever its address is."""
        name = host.lower().strip("[]")
        return name in self._allowed or f"{name}:{port}" in self._allowed

    def ours(self, host: str, port: int | None = None) -> bool:
        """Whether configuration says where this host is: nobody else's server, so that it needs no pacing."""
        return host.lower() in self._dial or self.allows(host, port)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check and dial. Tries each permitted address in the resolver's order."""
        if host.lower() in self._dial:
            address, port = self._dial[host.lower()]
            addresses = [address]
        else:
            addresses = self._permitted(host, port)
        failure: Exception | None = None
        for address in addresses:
            try:
                wait = self._deadline.remaining(timeout)
                stream = self._real.connect_tcp(address, port, wait, local_address, socket_options)
                return _TimedStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("no address to dial")

    def _permitted(self, host: str, port: int) -> list[str]:
        name = host.strip("[]")
        try:
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise UnknownHost(f"{name}: {error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if self.allows(name, port):
            return addresses
        public = [address for address in addresses if is_public(address)]
        if not public:
            raise RefusedAddress(
                f"{name} is {', '.join(addresses) or 'nowhere'}, not a public address; "
                "if this host is yours, name it in AIDRAN_ALLOW_HOSTS"
            )
        return public
