"""Crops of mels and waveforms that belong together to the sample, and data that do not belong together."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.config import ConfigError, build
from nrsr.data.batches import BatchSettings
from nrsr.data.draw import Draw
from nrsr.data.mel_inputs import MelInputs
from nrsr.data.mels import MelDataset
from nrsr.data.stored_mels import MelError, StoredMels
from nrsr.kaldi import AudioError, DataDir, TableWriter, open_table, write_list
from nrsr.kaldi.audio_states import StaleError
from nrsr.signal import FeatureExtractor

sys.path.insert(0, str(Path(__file__).parent))

from toy_mels import FEATURES, RATE, write_mels, write_waves  # noqa: E402

HOP = FEATURES["hop"]


class Vocoder(torch.nn.Module):
    """What a dataset asks of a system."""

    def __init__(self, context: int = 0, **features) -> None:
        super().__init__()
        self.context = context
        self.shortest = 128
        self.features = build({**FEATURES, **features}, FeatureExtractor, "features", sample_rate=RATE)


def opened(folder: Path, vocoder: Vocoder | None = None, **options) -> MelDataset:
    data = MelDataset(folder, None, RATE, BatchSettings(shortest=0.0), **{"segment": 8 * HOP, **options})
    data.prepare_for_training()
    data.prepare_for(vocoder or Vocoder())
    return data


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("context", [0, 2])
def test_a_crop_is_the_wave_of_its_mels(tmp_path, centred, context):
    samples = [1000, 513, 256]
    folder = write_mels(tmp_path / "data", samples, features={**FEATURES, "centred": centred})
    data = opened(folder, Vocoder(context, centred=centred))
    waves, mels = DataDir(folder).waves(), open_table(folder / "feats.scp")
    for number, (name, size) in enumerate(zip(data.ids, samples, strict=True)):
        whole = np.pad(waves[name], (0, HOP), mode="edge")
        frames = size // HOP + centred
        places = set()
        for epoch in range(40):
            crop = data[Draw(number, 7, epoch)]
            assert crop.mels.shape == (8 + 2 * context, 12) and crop.wave.shape == (8 * HOP,)
            inner = crop.mels[context : context + 8]
            [start] = [at for at in range(frames - 7) if np.array_equal(mels[name][at : at + 8], inner)]
            np.testing.assert_array_equal(crop.wave, whole[start * HOP : (start + 8) * HOP])
            rows = np.clip(np.arange(start - context, start + 8 + context), 0, frames - 1)
            np.testing.assert_array_equal(crop.mels, mels[name][rows])
            places.add(start)
        assert len(places) > min(frames - 8, 10) // 2
        assert np.array_equal(data[Draw(number, 7, 3)].wave, data[Draw(number, 7, 3)].wave)


def test_development_data_are_whole(tmp_path):
    data = opened(write_mels(tmp_path / "data", [300, 700, 500]), Vocoder(1))
    assert data.dev_batches(BatchSettings(size=2)) == [[1], [2], [0]]
    batch = data.collate([data[1]])
    assert batch.mels.shape == (1, 12, 700 // HOP + 2) and batch.waves.shape == (1, 700 // HOP * HOP)
    assert torch.equal(batch.mels[..., 0], batch.mels[..., 1])


def test_an_epoch_has_each_utterance_once_and_its_own_crops(tmp_path):
    data = opened(write_mels(tmp_path / "data", [600] * 7))
    epochs = [data.batches(BatchSettings(size=3), 1, epoch) for epoch in range(2)]
    assert data.batch_counts(BatchSettings(size=3), 1, 2) == [len(batches) for batches in epochs]
    for batches in epochs:
        assert sorted(draw.number for batch in batches for draw in batch) == list(range(7))
        assert sorted(map(len, batches)) == [1, 3, 3]
    assert epochs[0] == data.batches(BatchSettings(size=3), 1, 0) != epochs[1]
    batch = data.collate([data[draw] for draw in epochs[0][0]])
    assert batch.mels.shape[1:] == (12, 8) and batch.waves.shape[1:] == (8 * HOP,)


def test_utterances_shorter_than_a_crop(tmp_path):
    folder = write_mels(tmp_path / "data", [1000, 100, 255, 256])
    data = opened(folder)
    crop = data[Draw(1, 0, 0)]
    wave = DataDir(folder).waves()["spk-001"]
    np.testing.assert_array_equal(crop.wave, np.pad(wave[: 3 * HOP], (0, 5 * HOP)))
    np.testing.assert_array_equal(crop.mels[3:], np.tile(Vocoder().features.silence, (5, 1)))
    left = opened(folder, short="leave_out")
    assert left.ids == ["spk-000", "spk-003"]
    assert left.skipped == {
        "spk-001": "shorter than data.segment: 0.013 s",
        "spk-002": "shorter than data.segment: 0.032 s",
    }
    with pytest.raises(MelError, match="no utterance is left; 4 shorter than data.segment; take shorter segments"):
        opened(folder, short="leave_out", segment=64 * HOP)


OTHERS = {
    "hop": 16, "n_fft": 256, "win_length": 100, "n_mels": 10, "low": 50.0, "high": 3800.0, "floor": 1e-5,
    "centred": True, "logarithm": "e", "guard": 1e-9,
}  # fmt: skip


@pytest.mark.parametrize("change", OTHERS)
def test_another_definition_is_refused_by_the_number_that_differs(change, tmp_path):
    folder = write_mels(tmp_path / "data", [1000, 700])
    wanted = Vocoder(**{change: OTHERS[change]})
    stored = Vocoder().features.definition()
    named = f"{change} {stored[change]}, not {wanted.features.definition()[change]}"
    with pytest.raises(MelError, match=re.escape(named)):
        opened(folder, wanted)
    config = {"sample_rate": RATE, "system": {"features": {**FEATURES, change: OTHERS[change]}}}
    for opening in (
        lambda: MelInputs.open(DataDir(folder), config),
        lambda: MelInputs.of_scp(folder / "feats.scp", config),
    ):
        with pytest.raises(MelError, match=re.escape(named)):
            opening()


def test_features_of_an_unknown_definition_are_refused_in_training(tmp_path):
    folder = write_mels(tmp_path / "data", [1000])
    (folder / "feats.yaml").unlink()
    with pytest.raises(MelError, match="feats.yaml: no such file, so that nobody knows what feats.scp holds"):
        opened(folder)
    config = {"sample_rate": RATE, "system": {"features": FEATURES}}
    assert MelInputs.of_scp(folder / "feats.scp", config)["spk-000"].shape == (31, 12)


def test_frames_that_do_not_fit_the_audio(tmp_path):
    folder = write_mels(tmp_path / "data", [1000, 700])
    write_list(folder / "utt2num_frames", {"spk-000": 31, "spk-001": 29})
    message = "spk-001: 29 frames, but 700 samples with a hop of 32 give 21; run nrsr make-feats again"
    with pytest.raises(MelError, match=message):
        opened(folder)


def test_a_segment_of_part_of_a_frame(tmp_path):
    with pytest.raises(ConfigError, match="250 samples are no multiple of the features' hop, 32; take 256"):
        opened(write_mels(tmp_path / "data", [1000]), segment=250)


def test_a_segment_too_short_for_the_spectral_loss(tmp_path):
    folder = write_mels(tmp_path / "data", [1000])
    message = "data.segment: 128 samples are too short for the longest transform of the loss spectral; take more than"
    with pytest.raises(ConfigError, match=f"{message} 128, "):
        opened(folder, segment=128)
    assert opened(folder, segment=160)


def test_audio_of_another_rate(tmp_path):
    folder = write_mels(tmp_path / "data", [1000])
    data = MelDataset(folder, None, 16000, BatchSettings(), segment=256)
    vocoder = Vocoder()
    vocoder.features = build(FEATURES, FeatureExtractor, "features", sample_rate=16000)
    with pytest.raises(MelError, match="sample_rate 8000, not 16000, high 4000.0, not 8000.0, as the vocoder takes it"):
        data.prepare_for(vocoder)
    with pytest.raises(AudioError, match="8000"):  # features of the right rate beside audio of another
        data[0]


@pytest.mark.parametrize("value, said", [(np.nan, "nan"), (-np.inf, "-inf")])
def test_numbers_that_are_not_finite(tmp_path, value, said):
    folder = write_waves(tmp_path / "data", [1000, 700]).path
    mels = {"spk-000": np.zeros((31, 12), np.float32), "spk-001": np.zeros((21, 12), np.float32)}
    mels["spk-001"][7, 3] = value
    write_matrices(folder, mels)
    stored = StoredMels(folder / "feats.scp")
    assert stored["spk-000"].shape == (31, 12)
    with pytest.raises(MelError, match=f"spk-001: frame 7 has {said} in band 3; a logarithm without a floor"):
        stored["spk-001"]


def write_matrices(folder: Path, matrices: dict[str, np.ndarray]) -> None:
    """feats.ark and feats.scp, numbers that are not finite included."""
    finite = {name: np.where(np.isfinite(rows), rows, np.float32(12345.0)) for name, rows in matrices.items()}
    with TableWriter(f"ark,scp:{folder}/feats.ark,{folder}/feats.scp") as writer:
        for name, rows in finite.items():
            writer[name] = rows
    odd = next(rows[~np.isfinite(rows)][0] for rows in matrices.values() if not np.isfinite(rows).all())
    content = (folder / "feats.ark").read_bytes()
    mark, value = np.float32(12345.0).tobytes(), np.float32(odd).tobytes()
    (folder / "feats.ark").write_bytes(content.replace(mark, value))


def test_other_broken_lists(tmp_path):
    folder = write_mels(tmp_path / "data", [1000, 700])
    with pytest.raises(MelError, match="nowhere.scp: no such file; run nrsr make-feats"):
        StoredMels(folder / "nowhere.scp")
    write_list(folder / "utt2num_frames", {"spk-000": "many", "spk-001": 21})
    with pytest.raises(MelError, match="'many' is no number of frames"):
        StoredMels(folder / "feats.scp").frames(["spk-000"])
    (folder / "feats.scp").write_text("")
    with pytest.raises(MelError, match="lists no features"):
        StoredMels(folder / "feats.scp")


def test_features_of_audio_that_has_changed(tmp_path):
    folder = write_mels(tmp_path / "data", [1000])
    with open(folder / "wav.ark", "ab") as stream:
        stream.write(b"more")
    with pytest.raises(StaleError, match="run nrsr make-feats"):
        StoredMels(folder / "feats.scp")


def test_utterances_that_lack_something(tmp_path):
    folder = write_mels(tmp_path / "data", [1000, 700, 900])
    lines = (folder / "feats.scp").read_text().splitlines(keepends=True)
    (folder / "feats.scp").write_text("".join(lines[:2]))
    data = MelDataset(folder, None, RATE, BatchSettings(shortest=0.1), segment=256)
    assert data.skipped == {"spk-001": "shorter than batches.shortest: 0.087 s", "spk-002": "no features"}
    with pytest.raises(MelError, match="lacks 1 utterances: spk-002; run nrsr make-feats"):
        MelInputs.open(DataDir(folder), {"sample_rate": RATE, "system": {"features": FEATURES}})
