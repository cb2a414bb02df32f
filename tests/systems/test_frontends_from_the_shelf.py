"""Front-ends from the shelf in a system: alone, and in front of a recogniser that trains behind them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_joint_asr import make_batch, make_system

from nrsr.config import ConfigError, load_yaml, save_yaml
from nrsr.experiment.turn_settings import parse_turns
from nrsr.kaldi import DataDir, WaveWriter, write_list
from nrsr.packages import PackageError
from nrsr.systems import LossError, build_system
from nrsr.training.turns import build_turns

BODIES = Path(__file__).parents[2] / "utils" / "conf" / "enh"


@pytest.fixture(params=["wiener", "log_mmse", "rnnoise", "nsnet2", "dtln"])
def frontend(request):
    """A front-end as the config of this name in utils/conf/enh has it; skipped where its package is missing."""
    system = load_yaml(BODIES / f"{request.param}.yaml")["system"]
    try:
        build_system({"sample_rate": 8000, "system": system})
    except PackageError as error:
        pytest.skip(str(error))
    return system["frontend"]


def test_a_recogniser_trains_behind_it(frontend):
    """Only its own loss, whose gradient ends at the front-end; samples, criteria and log-probabilities as ever."""
    batch = make_batch(2)
    system = make_system(batch, frontend)
    optimiser = torch.optim.Adam(system.turns()["main"], lr=3e-3)
    losses = []
    for _ in range(4):
        optimiser.zero_grad()
        loss = system.losses(batch, "main", ["asr"])["asr"]
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(parameter.grad is not None for parameter in system.encoder.parameters())
    system.eval()
    assert "se" not in system.validate(batch)
    outputs = system.infer([batch.waves[0, : batch.lengths[0]].numpy()], ["wav", "loglikes"])
    assert outputs["loglikes"][0].isfinite().all()
    torch.testing.assert_close(outputs["wav"][0], system.samples(batch)["1/enhanced"], atol=1e-5, rtol=0)


def test_it_has_no_loss_of_its_own(frontend):
    batch = make_batch(2)
    system = build_system({"sample_rate": 8000, "system": {"class": "nrsr.systems.Enhancement", "frontend": frontend}})
    with pytest.raises(LossError, match=f"{frontend['class'].split('.')[-1]} has no enhancement loss; take 'se' out"):
        system.losses(batch, "main", ["se"])


def test_training_it_alone_is_refused():
    system = build_system({"sample_rate": 8000, **load_yaml(BODIES / "wiener.yaml")})
    content = {"loss_weights": {"se": 1.0}, "optimiser": {"class": "torch.optim.Adam"}}
    with pytest.raises(ConfigError, match="^system: Enhancement has nothing to train; apply it with nrsr apply --conf"):
        build_turns(parse_turns(content), system)


def test_enhance_by_the_config_alone(frontend, tmp_path, nrsr_main):
    """Batches, and a recording in pieces, which differ from the whole only where a piece begins."""
    save_yaml({"system": {"class": "nrsr.systems.Enhancement", "frontend": frontend}}, tmp_path / "enhancer.yaml")
    batch = make_batch(2)
    waves = {f"utt{row}": batch.waves[row, :size].numpy() for row, size in enumerate(batch.lengths.tolist())}
    (tmp_path / "data").mkdir()
    with WaveWriter(tmp_path / "data" / "wav.ark", tmp_path / "data" / "wav.scp", 8000) as writer:
        for name, wave in waves.items():
            writer[name] = wave
    write_list(tmp_path / "data" / "utt2spk", dict.fromkeys(waves, "spk"))
    enhanced = {}
    for name, options in (("whole", ["--batch-size", 2]), ("pieces", ["--piece", 0.4, "--overlap", 0.2])):
        given = ["--config", tmp_path / "enhancer.yaml", "--data", tmp_path / "data", "--out", tmp_path / name]
        status, printed, err = nrsr_main("enhance", *given, *options)
        assert status == 0, err
        assert "2 utterances, real-time factor " in printed
        enhanced[name] = DataDir(tmp_path / name).waves()
    for name, wave in waves.items():
        whole, pieces = enhanced["whole"][name], enhanced["pieces"][name]
        assert len(whole) == len(pieces) == len(wave)
        assert np.corrcoef(whole, pieces)[0, 1] > 0.7
