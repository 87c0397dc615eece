"""The models: which there are, the embedded one made ready, choices scored, one process that serves it.

A learner's `labkit.models()` has this room's name: as with labkit.allowance, the module can be called too.
"""

from __future__ import annotations

import sys
from types import ModuleType

from labkit.client import Models
from labkit.client import models as _her_models
from labkit.models.catalogue import Model, catalogue, find, find_published
from labkit.models.embedded import Prepared, prepare, prepared

__all__ = ["Model", "Prepared", "catalogue", "find", "find_published", "prepare", "prepared"]


class _Room(ModuleType):
    def __call__(self) -> Models:
        return _her_models()


sys.modules[__name__].__class__ = _Room
