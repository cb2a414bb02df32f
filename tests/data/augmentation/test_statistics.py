"""Statistics of a system whose training data are augmented: those of what its first epoch hears."""

import numpy as np
import torch
from augmented_corpus import RATE, opened, write_corpus

from nrsr.config import save_yaml
from nrsr.data.draw import Draw
from nrsr.kaldi import read_table, write_list
from nrsr.nn import GlobalNorm
from nrsr.signal import LogMel


def test_statistics_are_those_of_the_first_epoch(nrsr_main, tmp_path):
    speech, _ = write_corpus(tmp_path)
    write_list(tmp_path / "train" / "kind", {name: "ab"[place % 2] for place, name in enumerate(sorted(speech))})
    augment = [{"class": "nrsr.data.augmentation.AddNoise", "noise": "../noise", "snr": [-5, 5]}]
    config = {
        "sample_rate": RATE,
        "seed": 3,
        "system": {
            "class": "nrsr.systems.JointAsr",
            "frontend": {"class": "nrsr.frontends.Identity"},
            "features": {"class": "nrsr.signal.LogMel", "n_fft": 256, "hop": 80, "n_mels": 10},
            "encoder": {"class": "nrsr.nn.BlstmEncoder", "layers": 1, "width": 8, "channels": 4},
        },
        "data": {"augment": augment, "labels": {"noise": {"file": "kind"}}},
    }
    save_yaml(config, tmp_path / "conf.yaml")
    out = tmp_path / "exp" / "statistics.ark"
    status, _, err = nrsr_main("compute-cmvn", "--config", tmp_path / "conf.yaml", "--out", out, tmp_path / "train")
    assert status == 0, err
    data, features, norm = (
        opened(tmp_path / "train", augment),
        LogMel(RATE, n_fft=256, hop=80, n_mels=10),
        GlobalNorm(10),
    )
    for number in range(len(data)):
        wave = torch.from_numpy(data[Draw(number, 3, 0)].wave)
        norm.accumulate_statistics(*features(wave[None], torch.tensor([len(wave)])))
    np.testing.assert_allclose(dict(read_table(f"ark:{out}"))["norm"], norm.statistics(), rtol=1e-5)
