"""Changes of training utterances on the fly, drawn by seed, epoch and utterance."""

from nrsr.data.augmentation.add_noise import AddNoise
from nrsr.data.augmentation.augmentation import (
    Augmentation,
    AugmentationError,
    augmented,
    build_augmentations,
)
from nrsr.data.augmentation.crop import Crop
from nrsr.data.augmentation.gain import Gain
from nrsr.data.augmentation.reverberate import Reverberate
from nrsr.data.augmentation.signals import Signals
from nrsr.data.augmentation.speed import Speed

__all__ = [
    "AddNoise",
    "Augmentation",
    "AugmentationError",
    "Crop",
    "Gain",
    "Reverberate",
    "Signals",
    "Speed",
    "augmented",
    "build_augmentations",
]
