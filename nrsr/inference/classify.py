"""The labels of utterances by a trained classifier, for `nrsr classify`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nrsr.inference.application import ApplyError, Result, SystemOutputs


class ClassifierOutputs(SystemOutputs):
    """A classifier's labels and posteriors; an utterance that is too short for a frame fails, since each needs a label.

    Other outputs of systems, such as the layers of `nrsr apply`, leave such utterances out with a remark.
    """

    def finish(self, parts: Sequence[dict[str, Any]], starts: Sequence[int], source: np.ndarray) -> Result:
        result = super().finish(parts, starts, source)
        if lacking := [name for name in self.outputs if name not in result.values]:
            raise ApplyError(f"is too short for {', '.join(lacking)}; leave it out of the data directory")
        return result

    def nothing(self) -> Result:
        raise ApplyError("has no samples; leave it out of the data directory")
