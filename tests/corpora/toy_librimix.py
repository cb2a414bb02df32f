"""Small recordings and metadata that LibriMix is made from, and what its tests read with."""

import csv
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
SPEAKERS = ("84", "174", "251", "652")
NOISES = {"tr/01aa_0.5_02bb_-0.5.wav": 1.4, "tr/03cc_1.2_04dd_-1.2.wav": 1.1, "tr/05ee_2_06ff_-2.wav": 0.6}


def utterance(speaker: str, number: int) -> str:
    return f"{speaker}-100-{number:04d}"


def write_parts(root: Path) -> None:
    """LibriSpeech/train-clean-100, wham_noise/tr, and metadata of train-clean-100 for two and three speakers."""
    rng = np.random.default_rng(0)
    for place, speaker in enumerate(SPEAKERS):
        folder = root / "LibriSpeech" / "train-clean-100" / speaker / "100"
        folder.mkdir(parents=True)
        for number in range(3):
            seconds = (1.0, 1.2, 0.9)[number] + 0.013 * place
            wave = 0.2 * rng.standard_normal(int(RATE * seconds))
            soundfile.write(folder / f"{utterance(speaker, number)}.flac", wave, RATE)
        lines = [f"{utterance(speaker, number)} WORDS OF {speaker} NUMBER {number}\n" for number in range(3)]
        (folder / f"{speaker}-100.trans.txt").write_text("".join(lines))
    (root / "wham_noise" / "tr").mkdir(parents=True)
    for name, seconds in NOISES.items():
        noise = 0.1 * rng.standard_normal((int(seconds * RATE), 2))
        soundfile.write(root / "wham_noise" / name, noise, RATE)
    for speakers in (2, 3):
        write_metadata(root, speakers)


def write_metadata(root: Path, speakers: int) -> None:
    """Three mixtures: with a long noise, one that must be repeated, and one at 0.8 of its speed."""
    folder = root / "metadata" / f"Libri{speakers}Mix"
    folder.mkdir(parents=True)
    names = [*NOISES][:2] + ["tr/05ee_2_06ff_-2sp08.wav"]
    header = ["mixture_ID"]
    for number in range(1, speakers + 1):
        header += [f"source_{number}_path", f"source_{number}_gain"]
    rows = []
    for number, noise in enumerate(names):
        row, ids = [], []
        for source in range(speakers):
            speaker = SPEAKERS[(number + source) % 4]
            ids.append(utterance(speaker, number))
            row += [f"train-clean-100/{speaker}/100/{ids[-1]}.flac", 0.3 + 0.21 * source + 0.1 * number]
        rows.append(["_".join(ids), *row, noise, 0.77])
    with (folder / f"libri{speakers}mix_train-clean-100.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([[*header, "noise_path", "noise_gain"], *rows])
    (folder / f"libri{speakers}mix_train-clean-100_info.csv").write_text("mixture_ID,speaker_1_ID\n")


def options(parts: Path, root: Path, speakers: int = 2) -> dict:
    return {
        "corpus_dir": root,
        "out": root / "data",
        "speakers": speakers,
        "librispeech_dir": parts / "LibriSpeech",
        "wham_dir": parts / "wham_noise",
        "metadata_dir": parts / "metadata" / f"Libri{speakers}Mix",
        "nj": 1,
    }


def read(path: Path | str) -> np.ndarray:
    wave, rate = soundfile.read(path, dtype="float32")
    assert rate == 8000
    return wave
