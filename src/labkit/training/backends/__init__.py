"""Where trainings run. A new backend is one file here and one line in `KINDS`.

A backend's module has `Settings`, a frozen dataclass of what its part of CONFIG.json may say, and
`run(settings, engine, trainer, stop, once)`, which works until it is told to stop.
"""

KINDS = {
    "worker": "labkit.training.backends.worker",  # this process, on this machine
    "kubernetes": "labkit.training.backends.kubernetes",  # Jobs of a cluster
}
