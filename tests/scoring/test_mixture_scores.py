"""Scores of mixtures themselves: computed once for all systems, and anew where the audio has changed."""

import numpy as np
import pytest

from nrsr.kaldi import WaveWriter, write_list
from nrsr.scoring import read_table
from nrsr.scoring.metrics import si_snr as metric
from nrsr.scoring.mixture_scores import NAME
from nrsr.scoring.separation_sets import score_separation, speakers_table

NAMES = [f"m{number}" for number in range(3)]


def write_waves(folder, part, seed):
    rng = np.random.default_rng(seed)
    waves = {name: np.float32(rng.uniform(-0.3, 0.3, 2000)) for name in NAMES}
    with WaveWriter(folder / f"{part}.ark", folder / f"{part}.scp", 8000, bits=32) as writer:
        for name, wave in waves.items():
            writer[name] = wave


@pytest.fixture
def folders(tmp_path):
    """Data of three mixtures, and what two systems made of it; noise throughout, since values do not matter here."""
    made = {"data": ("wav", "spk1", "spk2"), "a": ("spk1", "spk2"), "b": ("spk1", "spk2")}
    for number, (folder, parts) in enumerate(made.items()):
        for place, part in enumerate(parts):
            write_waves(tmp_path / folder, part, 10 * number + place)
        write_list(tmp_path / folder / "utt2spk", {name: name for name in NAMES})
    return tmp_path


@pytest.fixture
def measured(monkeypatch):
    """The signals that SI-SNR is measured of, one entry a call."""
    calls = []
    own = metric.METRIC.measure

    def measure(source, estimate, rate):
        calls.append(estimate)
        return own(source, estimate, rate)

    monkeypatch.setattr(metric, "METRIC", metric.mean_metric("si_snr", "SI-SNR", "higher", lambda *s: measure(*s)[0],
                                                             unit="dB", takes="waves"))  # fmt: skip
    return calls


def scores(folders, system):
    data = folders / "data"
    return speakers_table(score_separation(data, folders / system, ["si_snr"]), data)


def test_a_second_system_takes_what_the_first_has_computed(folders, measured):
    first = scores(folders, "a")
    assert len(measured) == 12  # six sources, each against an estimate and the mixture
    alone = scores(folders, "b").columns["si_snr_i"]
    assert len(measured) == 18
    table = read_table(folders / "data" / NAME)
    kept = table.numbers("si_snr")
    np.testing.assert_array_equal(kept, first.columns["si_snr"] - first.columns["si_snr_i"])
    (folders / "data" / NAME).unlink()
    np.testing.assert_allclose(scores(folders, "b").columns["si_snr_i"], alone, rtol=1e-12)


def test_other_audio_is_measured_anew(folders, measured):
    scores(folders, "a")
    write_waves(folders / "data", "spk2", 99)  # one source of each mixture
    del measured[:]
    changed = scores(folders, "a")
    assert len(measured) == 6 + 3
    (folders / "data" / NAME).unlink()
    np.testing.assert_array_equal(scores(folders, "a").columns["si_snr_i"], changed.columns["si_snr_i"])


@pytest.mark.parametrize(
    "content", [b"", b"utt\tsource\n", b"\xff\xfe", b"utt\tsource\tchecksum\tsi_snr\nm0\tx\ty\tz\n"]
)
def test_a_damaged_file_is_written_anew(folders, measured, content):
    wanted = scores(folders, "a").columns["si_snr_i"]
    (folders / "data" / NAME).write_bytes(content)
    np.testing.assert_array_equal(scores(folders, "a").columns["si_snr_i"], wanted)
    assert len(read_table(folders / "data" / NAME)) == 6
