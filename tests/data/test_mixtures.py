"""Mixtures with their sources: batches, what an epoch changes, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nrsr.config import ConfigError
from nrsr.data.batches import BatchError, BatchSettings
from nrsr.data.draw import Draw
from nrsr.data.mixture_files import MixturesError
from nrsr.data.mixtures import MixtureSet, remix
from nrsr.data.parallel_audio import DatasetError
from nrsr.data.segments import start_with_sound
from nrsr.data.training_set import load_batches
from nrsr.kaldi import WaveWriter, write_list

RATE = 8000
SETTINGS = BatchSettings(size=3, max_seconds=10)


def write_mixtures(folder: Path, count: int = 6, speakers: int = 2, noise: bool = True, **changed) -> Path:
    """Mixtures m0, m1, ... whose sources are tones in noise; `changed` replaces parts: `m1_spk2=np.zeros(9)`."""
    rng = np.random.default_rng(1)
    waves = {}
    for number in range(count):
        time = np.arange(4000 + 400 * number) / RATE
        for speaker in range(1, speakers + 1):
            tone = np.sin(2 * np.pi * 100 * (number + 3 * speaker) * time)
            waves[f"m{number}", f"spk{speaker}"] = 0.1 * (tone + rng.normal(0, 0.05, len(time)))
        waves[f"m{number}", "noise1"] = rng.normal(0, 0.02, len(time))
        waves[f"m{number}", "wav"] = sum(waves[f"m{number}", part] for part in parts(speakers))
    waves.update({tuple(name.split("_")): wave for name, wave in changed.items()})
    folder.mkdir(parents=True, exist_ok=True)
    for part in ["wav", *parts(speakers)]:
        if part == "noise1" and not noise:
            continue
        with WaveWriter(folder / f"{part}.ark", folder / f"{part}.scp", RATE, bits=32) as writer:
            for number in range(count):
                if waves[f"m{number}", part] is not None:
                    writer[f"m{number}"] = np.float32(waves[f"m{number}", part])
    write_list(folder / "utt2spk", {f"m{number}": f"m{number}" for number in range(count)})
    for speaker in range(1, speakers + 1):
        write_list(folder / f"utt2spk{speaker}", {f"m{n}": f"voice{(n + speaker) % 4}" for n in range(count)})
    return folder


def parts(speakers: int) -> list[str]:
    return [*(f"spk{speaker}" for speaker in range(1, speakers + 1)), "noise1"]


def opened(path: Path, **options) -> MixtureSet:
    return MixtureSet(path, None, RATE, SETTINGS, **options)


@pytest.mark.parametrize("speakers", [2, 3])
def test_batches_of_mixtures_and_sources(speakers, tmp_path):
    data = opened(write_mixtures(tmp_path, speakers=speakers))
    plan = data.batches(SETTINGS, seed=1, epoch=0)
    assert sorted(draw.number for batch in plan for draw in batch) == list(range(6))
    batches = list(load_batches(data, plan))
    for batch in batches:
        assert batch.sources.shape == (len(batch), speakers, batch.waves.shape[1])
        for name, rest in zip(batch.ids, batch.waves - batch.sources.sum(1), strict=True):
            noise = data.files.noise[name]
            np.testing.assert_allclose(rest[: len(noise)], noise, atol=1e-6)
        assert batch.lengths.tolist() == [4000 + 400 * int(name[1:]) for name in batch.ids]
        assert not batch.sources[batch.lengths.argmin(), :, batch.lengths.min() :].any()
    assert data.speakers == speakers and data.reasons() == "" and data.notes() == []
    first = next(load_batches(data, data.dev_batches(SETTINGS)))
    assert first.ids == ["m5", "m4", "m3"] and first.to("cpu").lengths.tolist() == [6000, 5600, 5200]


def test_noise_is_optional(tmp_path):
    data = opened(write_mixtures(tmp_path, noise=False), speeds=[95, 100, 105])
    example = data[0]
    assert "no noise1.scp; what the sources leave" in data.notes()[0]
    drawn = [data[Draw(0, 1, epoch)] for epoch in range(4)]
    rests = [one.wave - one.sources.sum(0) for one in drawn]
    expected = example.wave - example.sources.sum(0)
    assert 0.01 < np.std(expected) < 0.03
    for rest in rests:
        np.testing.assert_allclose(rest, expected[: len(rest)], atol=1e-6)


def test_speeds_change_each_source_and_mix_again(tmp_path):
    path = write_mixtures(tmp_path, speakers=3)
    plain, data = opened(path), opened(path, speeds=[95, 100, 105])
    seen = set()
    for epoch in range(12):
        one, same = data[Draw(2, 7, epoch)], data[Draw(2, 7, epoch)]
        np.testing.assert_array_equal(one.wave, same.wave)
        noise = plain.files.noise["m2"][: len(one.wave)]
        np.testing.assert_allclose(one.wave, one.sources.sum(0) + noise, atol=1e-6)
        tones = [peak_frequency(source) for source in one.sources]
        factors = tuple(round(tone / (100 * (2 + 3 * speaker)), 2) for speaker, tone in enumerate(tones, 1))
        assert set(factors) <= {0.95, 1.0, 1.05}
        assert len(one.wave) == pytest.approx(4800 / max(*factors, 1.0), abs=2)
        seen.add(factors)
    assert len(seen) > 6  # of 27; sources are drawn apart
    for epoch in range(2):
        np.testing.assert_array_equal(plain[Draw(2, 7, epoch)].wave, plain[2].wave)
    np.testing.assert_array_equal(data[2].wave, plain[2].wave)  # a validation changes nothing


def peak_frequency(wave: np.ndarray) -> float:
    size = 1 << 18
    return float(np.abs(np.fft.rfft(wave * np.hanning(len(wave)), size)).argmax()) * RATE / size


def test_workers_give_what_one_process_gives(tmp_path):
    data = opened(write_mixtures(tmp_path), speeds=[90, 110], segment=2400)
    plan = data.batches(SETTINGS, seed=3, epoch=5)
    for one, other in zip(load_batches(data, plan), load_batches(data, plan, 2), strict=True):
        assert one.ids == other.ids
        torch.testing.assert_close(one.waves, other.waves, rtol=0, atol=0)


def test_segments_are_cut_at_random(tmp_path):
    data = opened(write_mixtures(tmp_path), segment=2000)
    whole = data[4]
    starts = set()
    for epoch in range(8):
        one = data[Draw(4, 0, epoch)]
        assert len(one.wave) == 2000 and one.sources.shape == (2, 2000)
        start = int(np.flatnonzero(np.lib.stride_tricks.sliding_window_view(whole.wave, 2000)[:, 0] == one.wave[0])[0])
        np.testing.assert_array_equal(one.sources, whole.sources[:, start : start + 2000])
        starts.add(start)
    assert len(starts) == 8
    settings = BatchSettings(size=8, max_seconds=0.5)
    assert {len(batch) for batch in data.batches(settings, 0, 0)} == {2}  # two segments of 0.25 s
    with pytest.raises(BatchError, match=r"utterance m5: its 0.8 s are over batches.max_seconds"):
        data.dev_batches(settings)


def test_segments_avoid_the_silence_of_a_source():
    sources = np.ones((2, 100), dtype=np.float32)
    sources[1, :80] = 0.0
    rng = np.random.default_rng(0)
    starts = {start_with_sound(sources, 30, rng) for _ in range(200)}
    assert starts == set(range(51, 71))
    sources[1] = 0.0
    assert 0 <= start_with_sound(sources, 30, rng) <= 70


def test_dynamic_mixing_takes_other_speakers(tmp_path):
    path = write_mixtures(tmp_path)
    data, plain = opened(path, dynamic_mixing=True), opened(path)
    known = {(n, k): plain[n].sources[k] for n in range(6) for k in range(2)}
    pairs = set()
    for epoch in range(30):
        one = data[Draw(1, 0, epoch)]
        rest = one.wave - one.sources.sum(0)
        noises = [np.tile(noise, 2) for noise in data.files.noise.values()]  # a short one is repeated
        assert len(one.wave) <= 4400 and any(contains(noise, rest, 1e-6) for noise in noises)
        found = tuple(next(key for key, wave in known.items() if contains(wave, part)) for part in one.sources)
        voices = {(number + source + 1) % 4 for number, source in found}
        assert found[0][0] == 1 and len(voices) == 2
        pairs.add(found)
    assert len(pairs) > 8
    np.testing.assert_array_equal(data[Draw(1, 0, 3)].wave, data[Draw(1, 0, 3)].wave)


def test_dynamic_mixing_without_the_mixtures_that_are_left_out(tmp_path):
    path = write_mixtures(tmp_path)
    for number in (1, 2):
        write_list(path / f"utt2spk{number}", {f"m{n}": "anna" if n < 3 else f"voice{number}" for n in range(6)})
    data = opened(path, dynamic_mixing=True, segment=4800, short="leave_out")
    data.prepare_for_training()
    assert data.ids == ["m2", "m3", "m4", "m5"]
    assert data.speaker_of == [["anna", *["voice1"] * 3], ["anna", *["voice2"] * 3]]
    for number in (1, 2):
        write_list(path / f"utt2spk{number}", {f"m{n}": f"voice{number}" if n < 2 else "anna" for n in range(6)})
    data = opened(path, dynamic_mixing=True, segment=4800, short="leave_out")
    with pytest.raises(MixturesError, match="1 speakers in all are too few to mix 2 anew"):
        data.prepare_for_training()


def contains(wave: np.ndarray, part: np.ndarray, tolerance: float = 0.0) -> bool:
    windows = np.lib.stride_tricks.sliding_window_view(wave, min(len(part), len(wave)))
    return len(part) <= len(wave) and bool((np.abs(windows[:, :50] - part[:50]) <= tolerance).all(1).any())


def test_remix_cuts_to_the_shortest():
    signals = remix([np.ones(5), 2 * np.ones(3)], 4 * np.ones(9))
    assert signals.wave.tolist() == [7, 7, 7] and signals.parallel.tolist() == [[1, 1, 1], [2, 2, 2]]


def test_mixtures_that_are_not_whole_are_left_out(tmp_path):
    broken = {"m0_spk2": None, "m1_noise1": None, "m2_spk1": np.ones(77) / 9, "m3_wav": None}
    data = opened(write_mixtures(tmp_path, **broken))
    assert data.ids == ["m4", "m5"]
    assert data.skipped == {
        "m0": "one speaker only: spk2.scp lacks it",
        "m1": "incomplete: noise1.scp lacks it",
        "m2": "sources of unequal length: 77 samples in spk1.scp, 4800 in wav.scp",
        "m3": "no mixture: wav.scp lacks it",
    }
    assert data.reasons() == "1 incomplete, 1 no mixture, 1 one speaker only, 1 sources of unequal length"
    settings = BatchSettings(shortest=0.5, longest=0.7)
    shorter = MixtureSet(tmp_path, None, RATE, settings)
    assert shorter.ids == ["m4"] and shorter.skipped["m5"] == "longer than batches.longest: 0.750 s"


def test_a_missing_audio_file_is_named(tmp_path):
    path = write_mixtures(tmp_path)
    scp = (path / "spk1.scp").read_text().replace("m2 ", "m2 gone/")
    (path / "spk1.scp").write_text(scp)
    data = opened(path)
    assert list(data.skipped) == ["m2"] and "spk1.scp: utterance 'm2'" in data.skipped["m2"]
    assert data.reasons() == "1 unreadable audio"


def test_a_silent_source_is_named_when_it_is_read(tmp_path):
    data = opened(write_mixtures(tmp_path, m3_spk2=np.zeros(5200)))
    with pytest.raises(MixturesError, match="spk2.scp: m3: the source is silent; leave the mixture out"):
        data[3]


def test_directories_without_mixtures_are_refused(tmp_path):
    path = write_mixtures(tmp_path / "a")
    (path / "spk2.scp").unlink()
    with pytest.raises(MixturesError, match="a: one speaker only .spk1.scp.; a mixture needs"):
        opened(path)
    (path / "spk1.scp").unlink()
    with pytest.raises(MixturesError, match="no spk1.scp"):
        opened(path)
    empty = write_mixtures(tmp_path / "b", count=2, m0_spk1=None, m1_wav=None)
    with pytest.raises(
        DatasetError, match="left of 2; 1 no mixture, 1 one speaker only; first m0: one speaker only: spk1"
    ):
        opened(empty)


@pytest.mark.parametrize("options", [{"segment": 0}, {"segment": 1.5}, {"speeds": [0.95, 1.05]}, {"speeds": [300]}])
def test_options_that_cannot_be_are_refused(options, tmp_path):
    with pytest.raises(ConfigError, match=f"data.{next(iter(options))}: "):
        opened(write_mixtures(tmp_path), **options)


def test_dynamic_mixing_needs_speakers(tmp_path):
    path = write_mixtures(tmp_path)
    write_list(path / "utt2spk1", dict.fromkeys(("m0", "m1"), "anna"))
    with pytest.raises(MixturesError, match="utt2spk1: lacks 4 mixtures, first m2"):
        opened(path, dynamic_mixing=True)
    for number in (1, 2):
        write_list(path / f"utt2spk{number}", {f"m{n}": "anna" for n in range(6)})
    with pytest.raises(MixturesError, match="1 speakers in all are too few to mix 2 anew"):
        opened(path, dynamic_mixing=True)
    (path / "utt2spk2").unlink()
    with pytest.raises(MixturesError, match="utt2spk2: no such file; dynamic mixing needs"):
        opened(path, dynamic_mixing=True)


def test_the_number_of_speakers_must_fit_the_system(tmp_path):
    system = torch.nn.Identity()
    data = opened(write_mixtures(tmp_path))
    data.prepare_for(system)
    system.speakers = 3
    with pytest.raises(MixturesError, match="mixtures of 2 speakers, but the system separates 3"):
        data.prepare_for(system)


def test_the_fingerprint_tells_data_apart(tmp_path):
    one = opened(write_mixtures(tmp_path / "a"))
    assert one.fingerprint() == opened(write_mixtures(tmp_path / "b")).fingerprint()
    others = [write_mixtures(tmp_path / "c", speakers=3), write_mixtures(tmp_path / "d", noise=False),
              write_mixtures(tmp_path / "e", count=5)]  # fmt: skip
    assert len({one.fingerprint(), *(opened(path).fingerprint() for path in others)}) == 4


def test_mixtures_are_augmented_with_their_sources(tmp_path):
    data = opened(write_mixtures(tmp_path), augment=[{"class": "nrsr.data.augmentation.Gain", "db": [-6, -6]}])
    data.prepare_for_training()
    whole, one = data[1], data[Draw(1, 0, 0)]
    np.testing.assert_allclose(one.wave, whole.wave * 10**-0.3, rtol=1e-5)
    np.testing.assert_allclose(one.sources, whole.sources * 10**-0.3, rtol=1e-5)


@pytest.mark.parametrize("nj", [1, 2])
def test_all_mixtures_that_are_no_good_are_listed(nj, nrsr_main, tmp_path):
    loud = np.clip(3 * np.sin(np.arange(4400) / 9), -0.99999, 0.99999)
    broken = {"m0_spk1": np.zeros(4000), "m1_wav": loud, "m2_spk2": None, "m3_noise1": np.full(5200, 0.1)}
    path = write_mixtures(tmp_path, **broken)
    write_list(path / "spk2utt", {f"m{number}": f"m{number}" for number in range(6)})
    status, _, err = nrsr_main("validate-data", "--mixtures", "--nj", nj, path)
    assert status == 1 and "4 failures" in err
    assert "m0: the source is silent" in err and "m2: one speaker only: spk2.scp lacks it" in err
    assert "m1: the mixture is clipped at " in err
    assert "m3: sources and noise do not add up to the mixture (off by 0." in err


def test_good_mixtures_pass(nrsr_main, tmp_path):
    path = write_mixtures(tmp_path)
    write_list(path / "spk2utt", {f"m{number}": f"m{number}" for number in range(6)})
    assert nrsr_main("validate-data", "--mixtures", path)[:2] == (0, f"{path}: valid, 6 utterances\n")
