"""Speech enhancement front-ends."""

from nrsr.frontends.conv_tasnet import ConvTasNet
from nrsr.frontends.dtln import Dtln
from nrsr.frontends.frontend import FrontEnd
from nrsr.frontends.identity import Identity
from nrsr.frontends.mask_blstm import MaskBlstm
from nrsr.frontends.mask_unet import MaskUnet
from nrsr.frontends.mel_vocoder import MelVocoder
from nrsr.frontends.nsnet2 import NsNet2
from nrsr.frontends.rnnoise import RnNoise
from nrsr.frontends.segan import Segan
from nrsr.frontends.wiener import Wiener

__all__ = [
    "ConvTasNet",
    "Dtln",
    "FrontEnd",
    "Identity",
    "MaskBlstm",
    "MaskUnet",
    "MelVocoder",
    "NsNet2",
    "RnNoise",
    "Segan",
    "Wiener",
]
