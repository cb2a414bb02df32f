"""Audio that was replaced by other audio of the same length after something was made of it is found by its files."""

import os
import shutil

import numpy as np
import pytest

from nrsr.data.features import FeaturesError, FeatureSettings, StoredFeatures
from nrsr.datadirs.features import FeatureDataError, make_features
from nrsr.datadirs.subset import subset
from nrsr.kaldi import DataDir, WaveWriter, write_list
from nrsr.kaldi.audio_states import SOURCES_OF, StaleError, audio_states, same, write_states
from nrsr.kaldi.validate import validate
from nrsr.training.run import check_audio

FBANK = {"class": "nrsr.signal.Fbank", "num_mel_bins": 10}
NO_CMVN = FeatureSettings(cmvn="none", deltas=0)


def write_audio(folder, seed):
    rng = np.random.default_rng(seed)
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", 8000) as writer:
        for name in ("a-1", "b-1"):
            writer[name] = rng.uniform(-0.5, 0.5, 4000)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    write_audio(path, 0)
    write_list(path / "utt2spk", {"a-1": "a", "b-1": "b"})
    write_list(path / "spk2utt", {"a": "a-1", "b": "b-1"})
    return path


def test_features_of_other_audio(folder, nrsr_main):
    make_features(DataDir(folder), FBANK, 8000)
    subset(folder, folder.parent / "part", ["b-1"])
    for path in (folder, folder.parent / "part"):
        assert len(StoredFeatures(path, NO_CMVN)["b-1"]) and validate(path) == []
    write_audio(folder, 1)
    for path in (folder, folder.parent / "part"):
        with pytest.raises(StaleError, match="has changed since its features were made .*run nrsr make-feats"):
            StoredFeatures(path, NO_CMVN)
        assert any("its features were made" in failure for failure in validate(path))
    assert "has changed since" in nrsr_main("compute-cmvn", folder)[2]
    make_features(DataDir(folder), FBANK, 8000)
    assert nrsr_main("compute-cmvn", folder)[0] == 0 and validate(folder) == []


def test_new_features_have_no_statistics_of_earlier_ones(folder, nrsr_main):
    make_features(DataDir(folder), FBANK, 8000)
    assert nrsr_main("compute-cmvn", folder)[0] == 0
    with pytest.raises(FeatureDataError, match="too short for one frame"):
        make_features(DataDir(folder), {**FBANK, "frame_length": 1000.0}, 8000)
    assert len(StoredFeatures(folder, FeatureSettings())["b-1"])  # nothing was written
    write_audio(folder, 1)
    make_features(DataDir(folder), FBANK, 8000)
    assert not (folder / "cmvn.ark").exists()
    with pytest.raises(FeaturesError, match="cmvn.scp.*run nrsr compute-cmvn"):
        StoredFeatures(folder, FeatureSettings())


def test_trainings_of_other_audio(folder):
    experiment = folder.parent / "exp"
    experiment.mkdir()
    directories = {"train": folder, "dev": folder}
    for resumed in (False, True, True):
        check_audio(experiment, directories, resumed=resumed, write=True)
    write_audio(folder, 1)
    with pytest.raises(
        StaleError, match="since this training began .*last.pt to start anew, or remove .*train.utt2aud"
    ):
        check_audio(experiment, directories, resumed=True, write=True)
    check_audio(experiment, directories, resumed=False, write=True)
    check_audio(experiment, directories, resumed=True, write=True)
    write_list(experiment / "statistics.utt2audio", {"a-1": "5@5", "c-1": "5@5"})
    with pytest.raises(StaleError, match="of 1 utterances has changed since .*statistics.ark was made.*compute-cmvn"):
        check_audio(experiment, directories, resumed=False, write=True)


def test_states_follow_files_and_not_paths(folder):
    before = audio_states(DataDir(folder))
    write_list(folder / "spk1.scp", {"a-1": "cat x.wav |"})
    assert audio_states(DataDir(folder), parallel=True)["a-1"] == before["a-1"] + " ?"
    os.utime(folder / "wav.ark", ns=(10**18 + 5, 10**18 + 5))
    before = audio_states(DataDir(folder))
    copy = shutil.copytree(folder, folder.parent / "copy")
    write_list(copy / "wav.scp", {key: value.replace(str(folder), str(copy)) for key, value in
                                  DataDir(folder).read("wav.scp").items()})  # fmt: skip
    assert audio_states(DataDir(copy)) == before
    for time, alike in ((10**18, True), (10**18 + 6, False), (10**18 + 10**9, False)):  # an archive keeps seconds
        os.utime(copy / "wav.ark", ns=(time, time))
        now = audio_states(DataDir(copy))
        assert same(before["a-1"], now["a-1"]) is alike


def test_outputs_of_other_mixtures_are_not_scored(folder):
    """What separate leaves beside its outputs, and score-sep looks at."""
    from nrsr.scoring.separation_sets import score_separation

    for name in ("spk1", "spk2"):
        shutil.copy(folder / "wav.ark", folder / f"{name}.ark")
        write_list(folder / f"{name}.scp", {key: value.replace("wav.ark", f"{name}.ark") for key, value in
                                            DataDir(folder).read("wav.scp").items()})  # fmt: skip
    estimates = shutil.copytree(folder, folder.parent / "estimates")
    (estimates / "wav.scp").unlink()
    write_states(estimates / SOURCES_OF, audio_states(DataDir(folder)))
    assert len(score_separation(folder, estimates, ["si_snr"])) == 2
    write_audio(folder, 1)
    with pytest.raises(StaleError, match="has changed since .*estimates was made of it .*run nrsr separate"):
        score_separation(folder, estimates, ["si_snr"])
