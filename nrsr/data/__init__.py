"""Data for training: units, datasets over data directories, batches under a hard size cap."""

from nrsr.data.batch import Batch, Example, collate
from nrsr.data.units import Units, UnitsError

__all__ = ["Batch", "Example", "Units", "UnitsError", "collate"]
