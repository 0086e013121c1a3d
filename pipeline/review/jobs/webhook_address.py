"""Which addresses a job may tell that it is over: those that the command names, and nothing that their names are bent to.

After OWASP's "Server-Side Request Forgery Prevention Cheat Sheet": an allow-list of receivers, every address of a name looked at,
and the connection made to an address that was looked at.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.core.errors import UsageError

PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""Of IPv6, what is given out for use across the internet."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class RefusedWebhookError(Exception):
    """A job may not tell this address.

    Args:
        message: why.
        remedy: what helps.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


@dataclass(frozen=True, slots=True)
class Receiver:
    """A host, by name or address, and a port.

    Args:
        host: in small letters, IPv6 without brackets.
        port: 1..65535.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """The parts of a webhook's address.

    Args:
        scheme: http or https.
        receiver: who is asked.
        target: path and query.
    """

    scheme: str
    receiver: Receiver
    target: str


def read_webhook(text: str) -> Webhook:
    """The parts of an address that a caller sent.

    Raises:
        ValueError: not such an address, or http to another machine.
    """
    if not re.fullmatch(r"[!-~]+", text) or "\\" in text:
        raise ValueError("not a web address: only visible ASCII characters (a name with others as xn--…)")
    parts = urlsplit(text)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("not a web address: write https://host/path")
    if "@" in parts.netloc or "#" in text:
        raise ValueError("a webhook has no user, password or fragment; the signature says who sends it")
    receiver = _receiver(parts.hostname, PORTS[parts.scheme] if parts.port is None else parts.port)
    if parts.scheme == "http" and not _is_here(receiver.host):
        raise ValueError("http is for this machine only: write https")
    return Webhook(parts.scheme, receiver, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _receiver(host: str, port: int) -> Receiver:
    if not 0 < port < 65536:
        raise ValueError("a port is 1 to 65535")
    if "%" in host:
        raise ValueError("an address has no zone")
    return Receiver(host.lower().rstrip("."), port)


def _is_here(host: str) -> bool:
    address = as_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def webhook_receivers(texts: Sequence[str]) -> tuple[Receiver, ...]:
    """The receivers of `--webhook-to HOST[:PORT]`; the port of https where none is written.

    Raises:
        UsageError: not a host, or something beside it.
    """
    return tuple(_listed(text.strip()) for text in texts)


def _listed(text: str) -> Receiver:
    bracketed = f"[{text}]" if isinstance(as_address(text), ipaddress.IPv6Address) else text
    try:
        found = read_webhook(f"https://{bracketed}")
        if found.target != "/" or text.endswith("/") or not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", found.receiver.host):
            raise ValueError
    except ValueError:
        raise UsageError(f"--webhook-to {text!r}: not a host", "e.g. --webhook-to hooks.shop.example or 127.0.0.1:9000") from None
    return found.receiver


def check_listed(webhook: Webhook, allowed: Sequence[Receiver]) -> None:
    """See whether the command names a webhook's receiver.

    Raises:
        RefusedWebhookError: it does not.
    """
    if not allowed:
        raise RefusedWebhookError("webhooks are off", "name the receiver at the command: review --webhook-to HOST")
    if webhook.receiver not in allowed:
        raise RefusedWebhookError(
            f"{webhook.receiver} is not on the list of webhook receivers", f"review --webhook-to {webhook.receiver}"
        )


def check_addresses(webhook: Webhook, addresses: Iterable[Address], allowed: Sequence[Receiver]) -> None:
    """See whether all that a webhook's name stands for may be asked: public addresses, and those that are named themselves.

    Raises:
        RefusedWebhookError: one may not; the message does not repeat it, since it would tell callers about the network.
    """
    named = {as_address(each.host) for each in allowed if each.port == webhook.receiver.port}
    for address in addresses:
        if webhook.scheme == "http" and not address.is_loopback:
            raise RefusedWebhookError(f"{webhook.receiver.host} is not this machine, so that it needs https")
        if address not in named and not _is_public(address):
            raise RefusedWebhookError(
                f"{webhook.receiver.host} stands for an address of an inner network",
                "name the address itself too: review --webhook-to ADDRESS:PORT",
            )


def _is_public(address: Address) -> bool:
    """Whether everybody may be asked there; an IPv4 address in the clothes of IPv6 is judged by itself."""
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        inner = address.ipv4_mapped or address.sixtofour or (teredo and teredo[1])
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner:
            return _is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def as_address(text: str) -> Address | None:
    """An IP address; None for a name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
