"""Work that runs as Jobs of a Kubernetes cluster, admitted by Kueue: submitted, watched, deleted.

Nothing is scheduled here: when a Job runs and where is Kueue's and the cluster's affair.
"""

from labkit.cluster.batch import Batch, Standing
from labkit.cluster.manifest import Mount, Order, manifest

__all__ = ["Batch", "Mount", "Order", "Standing", "manifest"]
