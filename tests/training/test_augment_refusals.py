"""nrsr train with augmentation that cannot be: one line that names the cure, before anything is trained."""

import numpy as np
import pytest

from nrsr.config import save_yaml
from nrsr.kaldi import WaveWriter, write_list

RATE = 8000


@pytest.fixture
def train(nrsr_main, corpus, toy_config, tmp_path):
    """Train with these augmentations: train([...]) -> (status, stderr)."""

    def run(augment) -> tuple[int, str]:
        save_yaml({**toy_config, "data": {"augment": augment}}, tmp_path / "conf.yaml")
        options = {"config": tmp_path / "conf.yaml", "train": corpus / "train", "dev": corpus / "dev"}
        options |= {"units": corpus / "units", "exp": tmp_path / "exp"}
        status, _, err = nrsr_main("train", *(word for name, value in options.items() for word in (f"--{name}", value)))
        assert not (tmp_path / "exp" / "last.pt").exists()
        return status, [line for line in err.splitlines() if line.startswith("nrsr train")]

    return run


def write(folder, waves, rate=RATE, scp="wav.scp"):
    folder.mkdir(parents=True, exist_ok=True)
    with WaveWriter(folder / "x.ark", folder / scp, rate) as writer:
        for name, wave in waves.items():
            writer[name] = np.asarray(wave, np.float32)
    write_list(folder / "utt2spk", dict.fromkeys(waves, "s"))
    return str(folder)


def noise(folder, **changed) -> list[dict]:
    return [{"class": "nrsr.data.augmentation.AddNoise", "noise": folder, "snr": [0, 5], **changed}]


def test_what_cannot_be_is_one_line(train, tmp_path):
    hiss = 0.1 * np.ones(9000)
    good = write(tmp_path / "good", {"n": hiss})
    room = {"class": "nrsr.data.augmentation.Reverberate", "rirs": str(tmp_path / "rirs" / "rir.scp")}
    write(tmp_path / "rirs", {"r": np.zeros(800)}, scp="rir.scp")
    for augment, named in (
        (noise(good, snr=[15, -5]), "AddNoise: snr: [15, -5] is no range of dB; give [lowest, highest]"),
        (
            noise(write(tmp_path / "hush", {"n": hiss, "m": np.zeros(5000)})),
            "1 of 2 recordings are silent, the first is m",
        ),
        (noise(write(tmp_path / "empty", {})), "wav.scp: lists no noise; add some"),
        (noise("nowhere"), "nowhere: there is no such folder"),
        ([room], "1 of 1 room impulse responses are silent, the first is r"),
        (noise(good)[0], "data.augment: expected a list"),
    ):
        status, lines = train(augment)
        assert status == 1 and len(lines) == 1 and named in lines[0], lines
