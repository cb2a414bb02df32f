"""Features as GMMs take them: with deltas, or spliced and multiplied by the model's final.mat of LDA and MLLT."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from nrsr.data.features import FeaturesError, FeatureSettings, StoredFeatures

BLOCK = 4096  # frames spliced at once, so that memory stays bounded


class GmmFeatures(StoredFeatures):
    """Stored features; with a matrix they are spliced and transformed, and get no deltas.

    Attributes:
        transform: [dim, width * stored_dim] or with a column more, which is added; as Kaldi's final.mat. An odd number
            of frames, its width, is joined: as many before the frame as behind it.
    """

    def __init__(
        self,
        path: str | Path,
        settings: FeatureSettings,
        transform: np.ndarray | None = None,
        *,
        allow_pipes: bool = False,
    ):
        """Open the directory.

        Raises:
            FeaturesError: as StoredFeatures, or a matrix for other features.
        """
        settings = settings if transform is None else replace(settings, deltas=0)
        super().__init__(path, settings, allow_pipes=allow_pipes)
        self.transform = transform
        if transform is not None:
            width, more = divmod(transform.shape[1], self.stored_dim)
            if width % 2 == 0 or more > 1:
                raise FeaturesError(
                    f"{self.path}: features have {self.stored_dim} values a frame, and the model's final.mat takes "
                    f"{transform.shape[1]} of spliced frames; make the features that the model was trained with"
                )
            self.dim = len(transform)

    def with_deltas(self, features: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Append deltas, or splice and transform in their stead; arguments as for StoredFeatures."""
        if self.transform is None:
            return super().with_deltas(features, frames)
        return transformed(features, frames, self.transform)


def transformed(features: np.ndarray, frames: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Splice and multiply concatenated utterances.

    Args:
        features: float32 [N, D].
        frames: [U] frames of each utterance.
        matrix: [K, width * D], or with a column more, which is added.

    Returns:
        float32 [N, K].
    """
    width = matrix.shape[1] // features.shape[1]
    linear, offset = np.split(matrix.astype(np.float32), [width * features.shape[1]], axis=1)
    result = np.empty((len(features), len(matrix)), np.float32)
    for part, block in spliced(features, frames, width // 2, np.arange(len(features))):
        result[part] = block @ linear.T + offset.sum(axis=1)
    return result


def spliced(
    features: np.ndarray, frames: np.ndarray, context: int, rows: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Some frames with their neighbours, as Kaldi's splice-feats, a block at a time.

    Args:
        features: [N, D] of utterances one behind the other.
        frames: [U] frames of each, whose edge frames are repeated outside of it.
        context: neighbours on each side.
        rows: [R], which frames.

    Yields:
        the block's place in `rows`, and [block, (2 * context + 1) * D], oldest frame first.
    """
    ends = np.repeat(np.cumsum(frames), frames)[rows, None]
    starts = ends - np.repeat(frames, frames)[rows, None]
    for begin in range(0, len(rows), BLOCK):
        part = slice(begin, begin + BLOCK)
        places = rows[part, None] + np.arange(-context, context + 1)
        yield part, features[np.clip(places, starts[part], ends[part] - 1)].reshape(len(places), -1)
