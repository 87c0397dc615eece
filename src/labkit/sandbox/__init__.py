"""Where untrusted code runs."""

from labkit.sandbox.forked import fork_into
from labkit.sandbox.process import Forked, Process
from labkit.sandbox.running import Running, start, watch
from labkit.sandbox.sandbox import Bind, Limits, Sandbox

__all__ = ["Bind", "Forked", "Limits", "Process", "Running", "Sandbox", "fork_into", "start", "watch"]
