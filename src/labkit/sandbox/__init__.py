"""Where untrusted code runs."""

from labkit.sandbox.forked import fork_into
from labkit.sandbox.running import Running, start
from labkit.sandbox.sandbox import Bind, Limits, Sandbox

__all__ = ["Bind", "Limits", "Running", "Sandbox", "fork_into", "start"]
