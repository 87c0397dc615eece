"""Holds learners' servers: starts them in sandboxes, watches what they use, and outlives neither hub nor proxy's end.

The hub's spawner asks it over a unix socket. Should the holder itself be killed, the sandboxes go on; the next holder
takes them over from what is written in `run/servers/`.
"""
