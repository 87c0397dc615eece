"""The models: which there are, the embedded one made ready, choices scored, one process that serves it."""

from labkit.models.catalogue import Model, catalogue, find
from labkit.models.embedded import Prepared, prepare, prepared

__all__ = ["Model", "Prepared", "catalogue", "find", "prepare", "prepared"]
