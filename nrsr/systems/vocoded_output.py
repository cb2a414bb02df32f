"""What vocoders put out: a waveform of as many samples as frames times hop."""

from nrsr.data.outputs import LISTS, WaveOutput
from nrsr.signal.vocoder_mels import VocoderMel

# Of the lists of a data directory, those that say how long the original is, or name audio of its length.
OF_THE_LENGTH = ("utt2dur", "spk1.scp")


def vocoded(features: VocoderMel, whole: bool) -> WaveOutput:
    """The output of a vocoder that takes these features; `whole` as of `WaveOutput`."""
    lists = [name for name in LISTS if name not in OF_THE_LENGTH]
    return WaveOutput(features.sample_rate, samples=features.hop, whole=whole, lists=lists)
