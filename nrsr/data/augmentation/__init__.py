"""Changes of training utterances on the fly, drawn by seed, epoch and utterance."""

from nrsr.data.augmentation.add_noise import AddNoise
from nrsr.data.augmentation.augmentation import Augmentation, AugmentationError, build_augmentations
from nrsr.data.augmentation.signals import Signals

__all__ = ["AddNoise", "Augmentation", "AugmentationError", "Signals", "build_augmentations"]
