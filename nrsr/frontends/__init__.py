"""Speech enhancement front-ends."""

from nrsr.frontends.conv_tasnet import ConvTasNet
from nrsr.frontends.frontend import FrontEnd
from nrsr.frontends.identity import Identity
from nrsr.frontends.mask_blstm import MaskBlstm
from nrsr.frontends.mask_unet import MaskUnet
from nrsr.frontends.segan import Segan
from nrsr.frontends.wiener import Wiener

__all__ = ["ConvTasNet", "FrontEnd", "Identity", "MaskBlstm", "MaskUnet", "Segan", "Wiener"]
