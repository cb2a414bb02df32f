"""Time derivatives of features, as Kaldi's add-deltas, for padded batches."""

import numpy as np
import torch
from torch import Tensor

from nrsr.signal.extractor import FeatureError
from nrsr.signal.masks import zero_padding
from nrsr.signal.splice import neighbours


def delta_filters(order: int, window: int) -> np.ndarray:
    """Filters [order + 1, 2 * order * window + 1] whose row n gives the n-th derivative.

    The first is the regression slope over ± window frames; each further one is that slope of the one before.
    """
    if order < 0 or window < 1:
        raise FeatureError(f"deltas of order {order} over a window of {window}: need order >= 0 and window >= 1")
    slope = -np.arange(-window, window + 1) / np.sum(np.arange(-window, window + 1) ** 2)
    rows = [np.ones(1)]
    for _ in range(order):
        rows.append(np.convolve(rows[-1], slope))
    reach = order * window
    # Flipped: a convolution's filter runs backwards in time.
    return np.stack([np.pad(row[::-1], reach - len(row) // 2) for row in rows])


def add_deltas(features: Tensor, frames: Tensor, order: int = 2, window: int = 2) -> Tensor:
    """Append the derivatives up to `order` to each frame.

    Args:
        features: [B, N, D]; frames past an utterance's end are ignored.
        frames: [B] frames of each utterance.

    Returns:
        [B, N, (order + 1) * D]: features, deltas, deltas of deltas. As in Kaldi, all are taken from the features
        with the edge frames repeated outside the utterance. Zero past its end.
    """
    filters = torch.as_tensor(delta_filters(order, window), dtype=features.dtype, device=features.device)
    around = neighbours(features, frames, order * window, order * window)
    derived = (around @ filters.T).transpose(2, 3).flatten(2)
    return zero_padding(derived, frames)
