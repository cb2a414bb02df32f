"""Small data directories of tones: one with all kinds of lists, one cut into segments."""

from pathlib import Path

import numpy as np
import soundfile

from nrsr.kaldi.durations import write_utt2dur
from nrsr.kaldi.lists import write_list
from nrsr.kaldi.tables import WaveWriter

RATE = 8000
SPEAKERS = {"ann": 5, "bob": 3, "cid": 1, "dan": 4}


def tone(samples: int, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(samples) / RATE)).astype(np.float32)


def make(path: str = "data", prefix: str = "") -> Path:
    """13 utterances of 4 speakers, all but the first with parallel clean speech."""
    folder = Path(path)
    folder.mkdir(parents=True)
    utt2spk = {f"{prefix}{spk}-{n}": prefix + spk for spk, count in SPEAKERS.items() for n in range(count)}
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as waves:
        for n, utterance in enumerate(utt2spk):
            waves[utterance] = tone(800 + 80 * n)
    with WaveWriter(folder / "spk1.ark", folder / "spk1.scp", RATE) as waves:
        for n, utterance in enumerate(list(utt2spk)[1:], 1):
            waves[utterance] = 0.5 * tone(800 + 80 * n)
    write_list(folder / "utt2spk", utt2spk)
    write_list(
        folder / "spk2utt", {prefix + s: " ".join(f"{prefix}{s}-{n}" for n in range(c)) for s, c in SPEAKERS.items()}
    )
    write_list(folder / "text", dict.fromkeys(utt2spk, "one two"))
    write_list(folder / "utt2noise", dict.fromkeys(list(utt2spk)[1:], "rain"))
    write_list(folder / "spk2gender", {prefix + s: "f" for s in SPEAKERS})
    write_list(folder / "accent", dict.fromkeys(utt2spk, "en"))  # a name that nobody knows, listed by utterance
    (folder / "frame_shift").write_text("0.01\n")
    write_utt2dur(folder)
    return folder


def make_segmented() -> Path:
    """Two recordings of one second with three segments."""
    folder = Path("seg")
    folder.mkdir()
    for name in ("rec1", "rec2"):
        soundfile.write(f"{name}.wav", tone(RATE), RATE)
    write_list(folder / "wav.scp", {"rec1": "rec1.wav", "rec2": "rec2.wav"})
    write_list(folder / "segments", {"s-a": "rec1 0.0 0.25", "s-b": "rec1 0.25 1.2", "s-c": "rec2 0.5 -1"})
    write_list(folder / "utt2spk", dict.fromkeys(("s-a", "s-b", "s-c"), "s"))
    write_list(folder / "spk2utt", {"s": "s-a s-b s-c"})
    write_list(folder / "reco2file_and_channel", {"rec1": "rec1 A", "rec2": "rec2 A"})
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
