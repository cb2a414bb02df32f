"""A data directory with features, alignments and kinds of noise, small enough to be gone through frame by frame."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nrsr.kaldi import TableWriter, write_list

SENONES = 4
NOISES = ["babble", "car", "clean"]


def write_frame_data(
    folder: Path, utterances: int = 24, seed: int = 0, longest: int = 40, senones: Sequence[int] = range(SENONES)
) -> Path:
    """Utterances whose frames say their senone in 4 values and their noise in 3, with some of noise in all.

    Every third utterance is clean; the utterance 000 has no label. Words are the runs of one of the four `senones`, and
    no two alike stand side by side.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    noises, frames, words, recordings = {}, {}, {}, {}
    with (
        TableWriter(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp") as features,
        TableWriter(f"ark,scp:{folder}/ali.ark,{folder}/ali.scp") as alignments,
    ):
        for number in range(utterances):
            name = f"s{number % 2}-{number:03d}"
            steps = rng.integers(1, SENONES, rng.integers(2, 6))
            runs = np.cumsum(steps) % SENONES
            spoken = np.repeat(runs, rng.integers(1, longest // 5, len(runs)))
            noise = number % 3
            values = np.concatenate([np.eye(SENONES)[spoken], np.eye(3)[[noise] * len(spoken)]], 1)
            features[name] = (3 * values + rng.normal(0, 0.3, values.shape)).astype(np.float32)
            alignments[name] = np.array(senones, dtype=np.int32)[spoken]
            frames[name], words[name] = len(spoken), " ".join(f"w{run}" for run in runs)
            if number:
                noises[name] = NOISES[noise]
                recordings[name] = f"{NOISES[noise]}{number // 3 % 4}"
    write_list(folder / "utt2noise", noises)
    write_list(folder / "utt2noisefile", recordings)
    write_list(folder / "utt2num_frames", frames)
    write_list(folder / "text", words)
    write_list(folder / "utt2spk", {name: name.split("-")[0] for name in frames})
    return folder
