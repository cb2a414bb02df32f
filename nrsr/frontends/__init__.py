"""Speech enhancement front-ends."""

from nrsr.frontends.frontend import FrontEnd
from nrsr.frontends.mask_blstm import MaskBlstm
from nrsr.frontends.null import Null

__all__ = ["FrontEnd", "MaskBlstm", "Null"]
