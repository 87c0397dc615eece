"""Where a request comes from, as far as guessing is counted.

Our own proxy writes whom it heard from at the end of X-Forwarded-For; where that is a proxy the operator named, what
stands before it is that one's word, and so on. What stands before those is the client's own claim, and so is X-Real-Ip
(which the hub's web server believes, so `remote_ip` is of no use here). Does not cover: a process of this machine that
reaches the hub's own port can claim any address; the limit for each account still holds it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable


def address(forwarded: Iterable[str], trusted: Collection[str] = ()) -> str:
    """The network to count by: an IPv4 address, or an IPv6 site's /64.

    `forwarded` has the values of X-Forwarded-For, `trusted` the addresses of the proxies in front of ours.
    """
    chain = [part.strip() for value in forwarded for part in value.split(",") if part.strip()]
    while len(chain) > 1 and chain[-1] in trusted:
        chain.pop()
    if not chain:
        return "direct"
    try:
        found = ipaddress.ip_address(chain[-1].partition("%")[0])
    except ValueError:
        return "unreadable"
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
