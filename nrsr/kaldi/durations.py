"""utt2dur and utt2num_frames: how long each utterance is, in seconds and in frames."""

from pathlib import Path

from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import write_list
from nrsr.kaldi.tables import open_table


def write_utt2dur(path: str | Path, *, rate: int | None = None, allow_pipes: bool = False) -> dict[str, float]:
    """Write utt2dur (seconds, four decimals) of a data directory; durations that it already has are kept.

    Args:
        rate: rate of headerless audio.
    """
    data = DataDir(path)
    seconds = data.durations(rate=rate, allow_pipes=allow_pipes)
    write_list(data.path / "utt2dur", {utterance: f"{value:.4f}" for utterance, value in seconds.items()})
    return seconds


def write_utt2num_frames(path: str | Path) -> dict[str, int]:
    """Write utt2num_frames (rows of each matrix) of a data directory with feats.scp."""
    table = open_table(Path(path) / "feats.scp")
    frames = {utterance: len(table[utterance]) for utterance in table}
    write_list(Path(path) / "utt2num_frames", frames)
    return frames
