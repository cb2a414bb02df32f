"""nrsr mix: what the data directory holds, sums and SNRs, the same mixtures each time, and refusals."""

from collections import Counter

import numpy as np
import pytest

from nrsr.datadirs.mix import plan_mixtures
from nrsr.kaldi import DataDir, WaveWriter, read_list, write_list
from nrsr.kaldi.validate import validate
from nrsr.signal.activity import active_power
from nrsr.signal.mixing import power

SNRS = [-5.0, 0.0, 5.0]


def write_directory(folder, waves, rate, **lists):
    folder.mkdir()
    with WaveWriter(folder / "wav.ark", folder / "wav.scp", rate) as writer:
        for name, wave in waves.items():
            writer[name] = wave
    for name, entries in lists.items():
        write_list(folder / name, entries)
    return folder


@pytest.fixture
def corpus(tmp_path):
    """Six utterances of two speakers, one of them loud, and three noises at another rate."""
    rng = np.random.default_rng(0)
    speech = {}
    for number in range(6):
        wave = rng.uniform(-0.2, 0.2, 4000 + 300 * number)
        wave[:1500] *= 0.001
        speech[f"s{number // 3}-{number}"] = np.float32(wave * (4.9 if number == 0 else 1.0))
    noises = {f"n{number}": np.float32(rng.uniform(-0.5, 0.5, 3000 * (number + 1))) for number in range(3)}
    write_directory(
        tmp_path / "clean",
        speech,
        8000,
        text={name: f"word {name}" for name in speech},
        utt2spk={name: name[:2] for name in speech},
        spk2utt={"s0": "s0-0 s0-1 s0-2", "s1": "s1-3 s1-4 s1-5"},
    )
    write_directory(tmp_path / "noise", noises, 16000, utt2noise={"n0": "hum", "n1": "hum", "n2": "rain"})
    return tmp_path


def arguments(corpus, out, *more):
    return ("mix", "--speech", corpus / "clean", "--noise", corpus / "noise", "--snr", "-5,0,5", "--out", out, *more)


@pytest.mark.parametrize("active", [True, False])
def test_mixtures(corpus, nrsr_main, active):
    out = corpus / "noisy"
    status, _, log = nrsr_main(*arguments(corpus, out, *(["--active"] if active else [])))
    assert status == 0, log
    assert ("speech-active samples" if active else "all samples") in log
    assert "3 of them resampled to 8000 Hz" in log
    assert validate(out) == []
    directory, speech = DataDir(out), DataDir(corpus / "clean").waves()
    snr_of = directory.read("utt2snr")
    assert Counter(snr_of.values()) == {"-5": 2, "0": 2, "5": 2}
    assert directory.read("text") == read_list(corpus / "clean/text")
    assert directory.read("spk2utt") == read_list(corpus / "clean/spk2utt")
    category_of = read_list(corpus / "noise/utt2noise")
    for name, noise in directory.read("utt2noisefile").items():
        assert directory.read("utt2noise")[name] == category_of[noise]
    mixtures, cleans = directory.waves(), directory.waves("spk1.scp")
    for name, mixture in mixtures.items():
        clean = cleans[name]
        level = active_power(clean) if active else power(clean)
        assert 10 * np.log10(level / power(mixture - clean)) == pytest.approx(float(snr_of[name]), abs=0.02)
        gain = clean @ speech[name] / (speech[name] @ speech[name])
        np.testing.assert_allclose(clean, gain * speech[name], atol=1.01 / 32768)
        assert float(directory.read("utt2dur")[name]) == pytest.approx(len(mixture) / 8000)
        assert np.abs(mixture).max() < 0.9901
    assert np.abs(cleans["s0-0"]).max() < 0.9 * np.abs(speech["s0-0"]).max()  # the loud one was lowered


def test_same_bytes_again_and_other_noise_with_other_seed(corpus, nrsr_main):
    for out, more in (("a", []), ("b", []), ("c", ["--seed", "1"])):
        assert nrsr_main(*arguments(corpus, corpus / out, *more))[0] == 0
    contents = {out: (corpus / out / "wav.ark").read_bytes() for out in "abc"}
    assert contents["a"] == contents["b"] != contents["c"]


def test_noise_of_a_mixture_does_not_depend_on_the_other_utterances(corpus, nrsr_main):
    assert nrsr_main(*arguments(corpus, corpus / "all", "--snr", "5"))[0] == 0
    kept = {"s0-0": "s0", "s0-1": "s0"}
    write_list(corpus / "clean/utt2spk", kept)
    assert nrsr_main(*arguments(corpus, corpus / "part", "--snr", "5"))[0] == 0
    both, part = DataDir(corpus / "all").waves(), DataDir(corpus / "part").waves()
    assert list(part) == list(kept)
    for name in kept:
        np.testing.assert_array_equal(both[name], part[name])


def test_snr_does_not_depend_on_what_speakers_say():
    """Each of 24 speakers says the same 60 sentences, as in RAVDESS."""
    utterances = [f"{speaker:02}-{sentence:02}" for speaker in range(24) for sentence in range(60)]
    snrs = (-5, 0, 5, 10, 15, 20)
    plans = plan_mixtures(utterances, ["n"], snrs, seed=0, copies=1)
    assert Counter(plan.snr_db for plan in plans.values()) == dict.fromkeys(snrs, 240)
    for sentence in range(60):
        assert len({plans[f"{speaker:02}-{sentence:02}"].snr_db for speaker in range(24)}) > 3
    again, other = (plan_mixtures(utterances, ["n"], snrs, seed, copies=1) for seed in (0, 1))
    assert again == plans
    assert [plan.snr_db for plan in other.values()] != [plan.snr_db for plan in plans.values()]


def test_snr_differs_between_folds():
    """Folds of other speakers, who say the same in the same order."""
    snrs = (-5, 0, 5, 10, 15, 20)
    folds = [
        [f"{speaker:02}-{sentence:02}" for speaker in (fold, fold + 4) for sentence in range(60)] for fold in (0, 1)
    ]
    drawn = [[plan.snr_db for plan in plan_mixtures(ids, ["n"], snrs, 0, 1).values()] for ids in folds]
    assert sum(first == second for first, second in zip(*drawn, strict=True)) < 60


def test_copies_have_all_snrs():
    snrs = (-5, 0, 5, 10, 15, 20)
    plans = plan_mixtures(["a", "b"], ["n"], snrs, seed=0, copies=6)
    for utterance in ("a", "b"):
        assert sorted(plan.snr_db for plan in plans.values() if plan.utterance == utterance) == list(snrs)


def test_headerless_noise_is_at_the_rate_of_the_speech(corpus, nrsr_main):
    samples = np.random.default_rng(0).integers(-9000, 9000, 5000)
    (corpus / "n.raw").write_bytes(samples.astype(">i2").tobytes())
    (corpus / "raw").mkdir()
    write_list(corpus / "raw/wav.scp", {"n": str(corpus / "n.raw")})
    write_list(corpus / "raw/utt2noise", {"n": "hum"})
    status, _, log = nrsr_main(*arguments(corpus, corpus / "noisy", "--noise", corpus / "raw"))
    assert status == 0, log
    assert "with 1 noises; SNR" in log


def test_copies(corpus, nrsr_main):
    assert nrsr_main(*arguments(corpus, corpus / "noisy", "--copies", "2"))[0] == 0
    directory = DataDir(corpus / "noisy")
    assert len(directory.utterances) == 12
    assert validate(corpus / "noisy") == []
    assert directory.read("utt2snr")["s0-0-c1"] != directory.read("utt2snr")["s0-0-c2"]
    assert directory.read("text")["s0-0-c2"] == "word s0-0"
    assert directory.read("utt2uniq") == {name: name[:-3] for name in directory.utterances}
    write_list(corpus / "clean" / "utt2uniq", {"s0-0": "string"})  # a copy already
    assert nrsr_main(*arguments(corpus, corpus / "noisy", "--copies", "2"))[0] == 0
    originals = directory.read("utt2uniq")
    assert originals["s0-0-c2"] == "string" and originals["s0-1-c2"] == "s0-1"


def test_refusals(corpus, nrsr_main):
    silent = {f"s0-{number}": np.zeros(100, dtype=np.float32) for number in range(2)}
    write_directory(corpus / "silent", silent, 8000, utt2spk=dict.fromkeys(silent, "s0"))
    cases = [
        (["--speech", corpus / "silent"], "utterance s0-0 with noise"),
        (["--copies", "0"], "at least one finite SNR and one copy"),
        (["--snr", "nan"], "at least one finite SNR and one copy"),
        (["--out", corpus / "clean"], "would overwrite"),
        (["--noise", corpus / "clean"], "utt2noise"),
    ]
    for more, wanted in cases:
        status, _, log = nrsr_main(*arguments(corpus, corpus / "out", *more))
        assert status == 1
        assert wanted in log
        assert log.count("\n") == 1
        assert not (corpus / "out" / "wav.scp").exists()
    write_list(corpus / "noise/utt2noise", {"n0": "hum"})
    status, _, log = nrsr_main(*arguments(corpus, corpus / "out"))
    assert status == 1
    assert "lacks 2 ids (n1, n2)" in log


def test_labels_of_the_speech_go_along_and_those_of_its_audio_do_not(corpus, nrsr_main):
    clean = corpus / "clean"
    write_list(clean / "utt2emotion", {f"s{number // 3}-{number}": "calm" for number in range(5)})  # one has none
    write_list(clean / "spk2gender", {"s0": "f", "s1": "m"})
    write_list(clean / "utt2snr", {f"s{number // 3}-{number}": "30" for number in range(6)})
    write_list(clean / "utt2num_frames", {f"s{number // 3}-{number}": "3" for number in range(6)})
    status, _, log = nrsr_main(*arguments(corpus, corpus / "noisy", "--copies", 2))
    assert status == 0, log
    noisy = DataDir(corpus / "noisy")
    assert len(noisy.read("utt2emotion")) == 10 and noisy.read("utt2emotion")["s1-4-c2"] == "calm"
    assert noisy.read("spk2gender") == {"s0": "f", "s1": "m"}
    assert set(noisy.read("utt2snr").values()) == {"-5", "0", "5"}
    assert not noisy.has("utt2num_frames") and validate(noisy.path) == []
