"""The one way to the model in this process: the gateway's, unless another was installed."""

from __future__ import annotations

from labkit.client.transport import HttpTransport, Transport


def use(transport: Transport | None) -> None:
    """Sends every call through `transport`; None goes back to the gateway."""
    global _installed  # noqa: PLW0603  (one process, one notebook, one way to the model)
    _installed = transport


def transport() -> Transport:
    """The installed transport; at the first call, the one of this notebook. Raises NotInALab outside the platform."""
    if _installed is None:
        use(HttpTransport.of_this_notebook())
    assert _installed is not None
    return _installed


_installed: Transport | None = None
