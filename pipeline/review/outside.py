"""The address by which a browser reached the page: its own, or that of a proxy in front of it which is trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from pipeline.review.options import Network

SCHEMES = {"http": 80, "https": 443}
"""What a proxy may say that it was asked by, and its usual port."""


class BadForwardingError(ValueError):
    """A trusted proxy says something that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What stands in the browser's address line.

    Args:
        scheme: http or https.
        host: name and, where it is not the usual one, port; as sent.
    """

    scheme: str
    host: str

    def is_origin(self, text: str) -> bool:
        """Whether an `Origin` header names this address; the usual port may be written out or not."""
        try:
            given = urlsplit(text)
            ours = urlsplit(f"{self.scheme}://{self.host}")
            ports = [each.port or SCHEMES.get(each.scheme) for each in (given, ours)]
        except ValueError:
            return False
        bare = not (given.path or given.query or given.fragment or given.username)
        return bare and given.scheme == ours.scheme and given.hostname == ours.hostname and ports[0] == ports[1]


def outside_address(scope: Scope, headers: Headers, proxies: Sequence[Network]) -> Outside | None:
    """The address of a request; None when it has not exactly one host.

    Only a request that comes from a trusted proxy may say otherwise than it arrived; of several values the last is that proxy's.

    Raises:
        BadForwardingError: a trusted proxy names another scheme than http and https.
    """
    hosts, scheme = headers.getlist("host"), scope["scheme"]
    if is_from(scope, proxies):
        hosts = _last(headers, "x-forwarded-host") or hosts
        scheme = (_last(headers, "x-forwarded-proto") or [scheme])[0].lower()
        if scheme not in SCHEMES:
            raise BadForwardingError(scheme)
    return Outside(scheme, hosts[0]) if len(hosts) == 1 else None


def is_from(scope: Scope, proxies: Sequence[Network]) -> bool:
    """Whether a request arrived from one of these addresses."""
    client = scope.get("client")
    if not client or not proxies:
        return False
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in proxies)


def _last(headers: Headers, name: str) -> list[str]:
    """The last value of a header that every proxy on the way may add to."""
    values = [part.strip() for line in headers.getlist(name) for part in line.split(",")]
    return [value for value in values[-1:] if value]
