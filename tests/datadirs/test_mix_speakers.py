"""Mixtures of several speakers: who meets whom, levels, SNRs, sums, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrsr.data.mixture_check import check_mixtures
from nrsr.datadirs.mix_speakers import MixSettings, mix_speakers, placed
from nrsr.datadirs.speaker_plans import groups, plan_speaker_mixtures
from nrsr.kaldi import DataDir, WaveWriter, read_list, write_list
from nrsr.kaldi.validate import validate
from nrsr.signal.activity import active_power
from nrsr.signal.mixing import MixingError, power

RATE = 8000


def write_speech(folder: Path, speakers: dict[str, int], silent: str | None = None) -> Path:
    """Utterances anna-0, anna-1, ... of tones in noise with pauses; {"anna": 2, ...}."""
    rng = np.random.default_rng(3)
    names = [f"{speaker}-{number}" for speaker, count in speakers.items() for number in range(count)]
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for name in names:
            wave = rng.normal(0, rng.uniform(0.02, 0.1), int(rng.integers(3000, 6000)))
            wave[1000:1400] = 0.0
            writer[name] = np.float32(np.clip(wave, -1, 1) * (name != silent))
    write_list(folder / "utt2spk", {name: name.split("-")[0] for name in names})
    write_list(folder / "text", {name: f"words of {name}" for name in names})
    return folder


@pytest.fixture
def noise(tmp_path) -> Path:
    rng = np.random.default_rng(4)
    with WaveWriter(tmp_path / "noise" / "wav.ark", tmp_path / "noise" / "wav.scp", RATE) as writer:
        for name in ("car-1", "rain-1", "rain-2"):
            writer[name] = np.float32(rng.normal(0, 0.1, 4000).clip(-1, 1))
    write_list(tmp_path / "noise" / "utt2noise", {"car-1": "car", "rain-1": "rain", "rain-2": "rain"})
    return tmp_path / "noise"


@pytest.mark.parametrize("speakers", [2, 3])
@pytest.mark.parametrize("mode", ["max", "min"])
def test_mixtures_are_the_sum_of_their_parts(speakers, mode, tmp_path, noise):
    speech = write_speech(tmp_path / "speech", {"anna": 6, "bert": 6, "carl": 6, "dora": 6})
    settings = MixSettings(speakers, 8, snrs=(0.0, 10.0), mode=mode, levels=(-5.0, 5.0), active=True)
    summary = mix_speakers(speech, tmp_path / "out", settings, noise)
    assert str(summary).startswith("8 mixtures of ") and "3 noises" in str(summary)
    out = DataDir(tmp_path / "out")
    assert validate(out.path) == [] and check_mixtures(out.path) == []
    original = DataDir(speech).waves()
    levels, snrs = out.read("utt2levels"), out.read("utt2snr")
    assert sorted(snrs.values()) == ["0"] * 4 + ["10"] * 4
    noises = out.waves("noise1.scp")
    for name in out.utterances:
        sources = [out.waves(f"spk{number}.scp")[name] for number in range(1, speakers + 1)]
        lengths = [len(original[own]) for own in name.split("_")]
        assert len(sources[0]) == (max(lengths) if mode == "max" else min(lengths))
        if mode == "max":
            powers = [10 * np.log10(active_power(np.trim_zeros(source))) for source in sources]
            np.testing.assert_allclose(
                np.subtract(powers, powers[0]), [float(level) for level in levels[name].split()], atol=0.1
            )
            assert [out.read(f"text_spk{k + 1}")[name] for k in range(speakers)] == [
                f"words of {own}" for own in name.split("_")
            ]
        ratio = 10 * np.log10(active_power(sum(sources)) / power(noises[name]))
        assert ratio == pytest.approx(float(snrs[name]), abs=0.05)
        voices = [out.read(f"utt2spk{k + 1}")[name] for k in range(speakers)]
        assert len(set(voices)) == speakers and voices == [own.split("-")[0] for own in name.split("_")]
    assert out.has("text_spk1") == (mode == "max")


def test_equal_arguments_give_equal_mixtures_and_another_seed_others(tmp_path, noise, nrsr_main):
    speech = write_speech(tmp_path / "speech", {"anna": 5, "bert": 5, "carl": 5})
    contents = []
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        status, _, err = nrsr_main(
            "mix-speakers", "--speech", speech, "--noise", noise, "--snr", "-5,5", "--count", 9, "--seed", seed,
            "--levels", "-1,1", "--out", tmp_path / out,
        )  # fmt: skip
        assert status == 0 and "9 mixtures of" in err
        contents.append({path.name: path.read_bytes() for path in (tmp_path / out).iterdir() if path.suffix != ".scp"})
    assert contents[0] == contents[1] and contents[0] != contents[2]


def test_a_second_run_leaves_nothing_of_the_first(tmp_path, noise):
    speech = write_speech(tmp_path / "speech", {"anna": 3, "bert": 3, "carl": 3})
    mix_speakers(speech, tmp_path / "out", MixSettings(3, 3, snrs=(5.0,)), noise)
    mix_speakers(speech, tmp_path / "out", MixSettings(2, 3, mode="min"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "wav.ark", "wav.scp", "spk1.ark", "spk1.scp", "spk2.ark", "spk2.scp", "utt2spk", "spk2utt", "utt2spk1",
        "utt2spk2", "utt2dur", "utt2levels",
    }  # fmt: skip


def test_loud_parts_get_one_gain(tmp_path):
    folder = tmp_path / "speech"
    rng = np.random.default_rng(0)
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", RATE) as writer:
        for name in ("anna-0", "bert-0"):
            writer[name] = np.float32(rng.uniform(-0.9, 0.9, 2000))
    write_list(folder / "utt2spk", {"anna-0": "anna", "bert-0": "bert"})
    summary = mix_speakers(folder, tmp_path / "out", MixSettings(levels=(0.0, 0.0)))
    assert summary.lowered == 1 and summary.mixtures == 1
    out = DataDir(tmp_path / "out")
    name = out.utterances[0]
    one, other, both = (out.waves(scp)[name] for scp in ("spk1.scp", "spk2.scp", "wav.scp"))
    assert np.abs(both).max() == pytest.approx(0.99, abs=1e-3) and np.abs(both - one - other).max() < 2 / 32768
    assert active_power(one) == pytest.approx(active_power(other), rel=1e-3)


def test_silent_utterances_are_counted_and_named(tmp_path):
    speech = write_speech(tmp_path / "speech", {"anna": 3, "bert": 3}, silent="bert-1")
    summary = mix_speakers(speech, tmp_path / "out", MixSettings(count=2))
    assert "1 silent utterances are left out: bert-1" in str(summary)
    assert not any("bert-1" in name for name in read_list(tmp_path / "out" / "wav.scp"))


def test_what_cannot_be_mixed_is_refused(tmp_path, noise):
    alone = write_speech(tmp_path / "alone", {"anna": 4})
    with pytest.raises(MixingError, match=r"one speaker only \(anna\), but mixtures of 2 need as many"):
        mix_speakers(alone, tmp_path / "out", MixSettings())
    speech = write_speech(tmp_path / "speech", {"anna": 2, "bert": 2})
    with pytest.raises(MixingError, match=r"2 speakers \(anna bert\), but mixtures of 3"):
        mix_speakers(speech, tmp_path / "out", MixSettings(3))
    with pytest.raises(MixingError, match="4 different mixtures can be found, 5 are wanted; lower --count"):
        mix_speakers(speech, tmp_path / "out", MixSettings(count=5))
    with pytest.raises(MixingError, match="noise and SNRs go together"):
        mix_speakers(speech, tmp_path / "out", MixSettings(), noise)
    with pytest.raises(MixingError, match="would overwrite what it is made of"):
        mix_speakers(speech, speech, MixSettings())
    with WaveWriter(noise / "wav.ark", noise / "wav.scp", RATE) as writer:
        for name in ("car-1", "rain-1", "rain-2"):
            writer[name] = np.zeros(500, dtype=np.float32)
    with pytest.raises(MixingError, match="mixture .* with noise .*: noise: silent, so no gain"):
        mix_speakers(speech, tmp_path / "out", MixSettings(snrs=(0.0,)), noise)
    assert not (tmp_path / "out" / "wav.scp").exists()


@pytest.mark.parametrize(
    "options", [{"speakers": 1}, {"count": 0}, {"mode": "mid"}, {"levels": (2.0, 1.0)}, {"snrs": (float("nan"),)}]
)
def test_settings_that_cannot_be_are_refused(options):
    with pytest.raises(MixingError, match="no such mixtures|give finite dB"):
        MixSettings(**options)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), min_size=2), st.integers(2, 3), st.integers(0, 99))
def test_groups_hold_different_speakers_and_use_utterances_once(counts, size, seed):
    speaker_of = {f"{voice}{number}": voice for voice, count in counts.items() for number in range(count)}
    dealt = list(groups(speaker_of, size, np.random.default_rng(seed)))
    used = [name for group in dealt for name in group]
    assert len(used) == len(set(used)) and all(len({speaker_of[name] for name in group}) == size for group in dealt)
    left = set(speaker_of) - set(used)
    assert len({speaker_of[name] for name in left}) < size


def test_plans_use_utterances_evenly_and_depend_on_names():
    speaker_of = {f"{voice}{number}": voice for voice in "abcd" for number in range(10)}
    plans = plan_speaker_mixtures(speaker_of, 2, 60, (-2.0, 2.0), ["n1", "n2"], [0.0, 5.0, 10.0], 7)
    assert len({frozenset(plan.utterances) for plan in plans}) == 60
    uses = [sum(name in plan.utterances for plan in plans) for name in speaker_of]
    assert min(uses) >= 2 and max(uses) <= 4
    assert all(plan.levels[0] == 0.0 and -2.0 <= plan.levels[1] <= 2.0 for plan in plans)
    levels = [plan.levels[1] for plan in plans]
    assert -0.7 < np.mean(levels) < 0.7 and np.std(levels) > 0.8
    fewer = {plan.id: plan for plan in plan_speaker_mixtures(speaker_of, 2, 30, (-2.0, 2.0), ["n1", "n2"], [0.0], 7)}
    more = {plan.id: plan for plan in plans}
    assert fewer.keys() <= more.keys()
    assert all(more[name].levels == plan.levels and more[name].noise == plan.noise for name, plan in fewer.items())


def test_shorter_utterances_are_placed_within_the_longest():
    wave = np.ones(3)
    assert placed(wave, 5, 0.0).tolist() == [1, 1, 1, 0, 0] and placed(wave, 5, 1.0).tolist() == [0, 0, 1, 1, 1]
    assert placed(wave, 3, 0.7).tolist() == [1, 1, 1]
