"""Which address a webhook may be sent to: looked up once, judged, and then connected to as it is.

A name that is judged and then looked up again by the HTTP client may lead elsewhere the second time
(DNS rebinding). So the address that was judged is the one that is dialled.
"""

from __future__ import annotations

import ipaddress
import socket

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """The name leads to an address that no webhook may go to."""


def resolved(host: str, port: int, *, allow_private: bool) -> str:
    """Return the address to dial for a host.

    Parameters
    ----------
    allow_private
        Whether addresses of this machine and of private networks will do.

    Raises
    ------
    OSError
        The name is not found.
    AddressRefused
        One of its addresses is not public: a name that mixes both is not trusted with either.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private:
        for address in addresses:
            if not is_public(address):
                raise AddressRefused(f"{host} leads to {address}, which is not a public address")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, and so does one that it stands for."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return all(_is_global(one) for one in (parsed, *_embedded(parsed)))


def _is_global(address: _Address) -> bool:
    return address.is_global and not address.is_multicast


def _embedded(address: _Address) -> list[_Address]:
    """Return the IPv4 addresses that an IPv6 address is a way to write: mapped, 6to4, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[_Address] = [a for a in (address.ipv4_mapped, address.sixtofour) if a is not None]
    if address in ipaddress.ip_network("64:ff9b::/96"):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found
