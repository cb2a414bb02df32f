"""LibriMix, from a made tree and from LibriSpeech, WHAM and metadata, on small folders of exactly that shape."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from nrsr.corpora import librimix
from nrsr.corpora.librimix_metadata import LibriMixError, original_noise, read_metadata
from nrsr.corpora.librimix_mixing import extended
from nrsr.kaldi import DataDir, read_list
from nrsr.kaldi.validate import validate

RATE = 16000
SPEAKERS = ("84", "174", "251", "652")
NOISES = {"tr/01aa_0.5_02bb_-0.5.wav": 1.4, "tr/03cc_1.2_04dd_-1.2.wav": 1.1, "tr/05ee_2_06ff_-2.wav": 0.6}


def utterance(speaker: str, number: int) -> str:
    return f"{speaker}-100-{number:04d}"


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Path:
    """LibriSpeech/train-clean-100, wham_noise/tr, and metadata of train-clean-100 for two and three speakers."""
    root = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(0)
    for place, speaker in enumerate(SPEAKERS):
        folder = root / "LibriSpeech" / "train-clean-100" / speaker / "100"
        folder.mkdir(parents=True)
        for number in range(3):
            seconds = (1.0, 1.2, 0.9)[number] + 0.013 * place
            wave = 0.2 * rng.standard_normal(int(RATE * seconds))
            soundfile.write(folder / f"{utterance(speaker, number)}.flac", wave, RATE)
        lines = [f"{utterance(speaker, number)} WORDS OF {speaker} NUMBER {number}\n" for number in range(3)]
        (folder / f"{speaker}-100.trans.txt").write_text("".join(lines))
    (root / "wham_noise" / "tr").mkdir(parents=True)
    for name, seconds in NOISES.items():
        noise = 0.1 * rng.standard_normal((int(seconds * RATE), 2))
        soundfile.write(root / "wham_noise" / name, noise, RATE)
    for speakers in (2, 3):
        write_metadata(root, speakers)
    return root


def write_metadata(root: Path, speakers: int) -> None:
    """Three mixtures: with a long noise, one that must be repeated, and one at 0.8 of its speed."""
    folder = root / "metadata" / f"Libri{speakers}Mix"
    folder.mkdir(parents=True)
    names = [*NOISES][:2] + ["tr/05ee_2_06ff_-2sp08.wav"]
    header = ["mixture_ID"]
    for number in range(1, speakers + 1):
        header += [f"source_{number}_path", f"source_{number}_gain"]
    rows = []
    for number, noise in enumerate(names):
        row, ids = [], []
        for source in range(speakers):
            speaker = SPEAKERS[(number + source) % 4]
            ids.append(utterance(speaker, number))
            row += [f"train-clean-100/{speaker}/100/{ids[-1]}.flac", 0.3 + 0.21 * source + 0.1 * number]
        rows.append(["_".join(ids), *row, noise, 0.77])
    with (folder / f"libri{speakers}mix_train-clean-100.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([[*header, "noise_path", "noise_gain"], *rows])
    (folder / f"libri{speakers}mix_train-clean-100_info.csv").write_text("mixture_ID,speaker_1_ID\n")


def options(parts: Path, root: Path, speakers: int = 2) -> dict:
    return {
        "corpus_dir": root,
        "out": root / "data",
        "speakers": speakers,
        "librispeech_dir": parts / "LibriSpeech",
        "wham_dir": parts / "wham_noise",
        "metadata_dir": parts / "metadata" / f"Libri{speakers}Mix",
        "nj": 1,
    }


def read(path: Path | str) -> np.ndarray:
    wave, rate = soundfile.read(path, dtype="float32")
    assert rate == 8000
    return wave


@pytest.mark.parametrize("speakers", [2, 3])
def test_mixtures_from_metadata_are_what_the_rules_say(speakers, parts, tmp_path):
    done = librimix.prepare(**options(parts, tmp_path, speakers))
    assert "train-100: 3 mixtures made, 0 stood already" in done.table
    assert done.notes[1:] == [f"train-100: 3 mixtures; the official set has {({2: 13900, 3: 9300})[speakers]}"]
    assert "the noises of 1 mixtures, at 0.8 or 1.2 of their speed, are made here" in done.notes[0]
    folder = tmp_path / f"Libri{speakers}Mix" / "wav8k" / "min" / "train-100"
    file = parts / "metadata" / f"Libri{speakers}Mix" / f"libri{speakers}mix_train-clean-100.csv"
    recipes = read_metadata(file, speakers)
    for recipe, (noise_name, _) in zip(recipes[:2], NOISES.items(), strict=False):
        waves = [soundfile.read(parts / "LibriSpeech" / path, dtype="float32")[0] for path in recipe.sources]
        noise = soundfile.read(parts / "wham_noise" / noise_name, dtype="float32")[0][:, 0]
        longest = max(map(len, waves))
        if len(noise) < longest:  # one repetition suffices: fade the second in over half a second
            fade = 0.5 - 0.5 * np.cos(np.pi * np.arange(8001) / 8000)
            both = np.zeros(2 * len(noise) - 8001)
            both[: len(noise)] = noise
            both[len(noise) - 8001 : len(noise)] *= fade[::-1]
            again = np.array(noise, dtype=np.float64)
            again[:8001] *= fade
            both[len(noise) - 8001 :] += again
            noise = both
        waves = [resample_poly(w * g, 1, 2) for w, g in zip([*waves, noise[:longest]], recipe.gains, strict=True)]
        shortest = min(map(len, waves))
        waves = [wave[:shortest] for wave in waves]
        for part, wave in zip([*(f"s{k}" for k in range(1, speakers + 1)), "noise"], waves, strict=True):
            np.testing.assert_allclose(read(folder / part / f"{recipe.id}.wav"), wave, atol=1.1 / 32768)
        np.testing.assert_allclose(read(folder / "mix_both" / f"{recipe.id}.wav"), sum(waves), atol=1.1 / 32768)
    sped = read(folder / "noise" / f"{recipes[2].id}.wav")  # 0.6 s at 0.8 of the speed last 0.75 s, then repeated
    original = soundfile.read(parts / "wham_noise" / [*NOISES][2])[0][:, 0]
    slow = 0.77 * resample_poly(resample_poly(original, 5, 4), 1, 2)[:1800]
    assert np.corrcoef(sped[:1800], slow)[0, 1] > 0.99 and sped[6000:].std() == pytest.approx(slow.std(), rel=0.2)


def test_directories_of_mixtures(parts, tmp_path):
    librimix.prepare(**options(parts, tmp_path, 3))
    folder = tmp_path / "data" / "train-100"
    assert validate(folder) == []
    data = DataDir(folder)
    assert {path.name for path in folder.iterdir()} == {
        "wav.scp", "spk1.scp", "spk2.scp", "spk3.scp", "noise1.scp", "utt2spk", "spk2utt", "utt2dur",
        "utt2spk1", "utt2spk2", "utt2spk3",
    }  # fmt: skip
    name = "84-100-0000_174-100-0000_251-100-0000"
    assert data.read("utt2spk3")[name] == "251"
    mixture, *sources = (data.waves(scp, rate=8000)[name] for scp in ("wav.scp", "spk1.scp", "spk2.scp", "spk3.scp"))
    rest = mixture - sum(sources) - data.waves("noise1.scp")[name]
    assert np.abs(rest).max() <= 4 / 32768
    assert float(data.read("utt2dur")[name]) == pytest.approx(len(mixture) / 8000, abs=1e-6)


def test_a_stopped_run_goes_on_and_a_finished_one_makes_nothing(parts, tmp_path):
    librimix.prepare(**options(parts, tmp_path))
    folder = tmp_path / "Libri2Mix" / "wav8k" / "min" / "train-100"
    files = sorted(folder.glob("*/*.wav"))
    assert len(files) == 3 * 4
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    lists = {path.name: path.read_bytes() for path in (tmp_path / "data" / "train-100").iterdir()}
    assert "train-100: 0 mixtures made, 3 stood already" in librimix.prepare(**options(parts, tmp_path)).table
    assert all(path.stat().st_mtime_ns == before[path][1] for path in files)

    # As a killed run leaves it: a mixture that lacks files, one that a crash has cut, a temporary file.
    first, second = files[0], next(path for path in files if path.parent.name == "s2" and path.name != files[0].name)
    first.unlink()
    second.write_bytes(second.read_bytes()[:1000])
    (folder / "noise" / ".x.wav.123.tmp").write_bytes(b"half")
    done = librimix.prepare(**options(parts, tmp_path) | {"nj": 2})
    assert "train-100: 2 mixtures made, 1 stood already" in done.table
    assert {path: path.read_bytes() for path in files} == {path: content for path, (content, _) in before.items()}
    assert sorted(folder.glob("*/.*")) == []
    assert {path.name: path.read_bytes() for path in (tmp_path / "data" / "train-100").iterdir()} == lists
    lines = (folder.parent / "metadata" / "mixture_train-100_mix_both.csv").read_text().splitlines()
    assert lines[0] == "mixture_ID,mixture_path,source_1_path,source_2_path,noise_path,length" and len(lines) == 4


def test_types_modes_and_rates(parts, tmp_path):
    clean = options(parts, tmp_path) | {"type": "mix_clean", "mode": "max", "rate": 16000}
    librimix.prepare(**clean)
    folder = tmp_path / "Libri2Mix" / "wav16k" / "max" / "train-100"
    assert sorted(path.name for path in folder.iterdir()) == ["mix_clean", "s1", "s2"]
    data = DataDir(tmp_path / "data" / "train-100")
    assert not data.has("noise1.scp")
    # Whole words are in the longest mode alone.
    assert data.read("text_spk2")["84-100-0000_174-100-0000"] == "WORDS OF 174 NUMBER 0"
    for name in data.utterances:
        sources = [data.waves(f"spk{number}.scp", rate=16000)[name] for number in (1, 2)]
        originals = [parts / "LibriSpeech" / "train-clean-100" / one.split("-")[0] / "100" / f"{one}.flac"
                     for one in name.split("_")]  # fmt: skip
        assert len(sources[0]) == max(soundfile.info(path).frames for path in originals)
        np.testing.assert_allclose(data.waves()[name], sum(sources), atol=2 / 32768)
    single = librimix.prepare(**options(parts, tmp_path) | {"type": "mix_single"})
    data = DataDir(tmp_path / "data" / "train-100")
    assert data.has("spk1.scp") and data.has("noise1.scp") and not data.has("spk2.scp") and single.table


def test_a_made_tree_without_its_sources(parts, tmp_path, nrsr_main):
    librimix.prepare(**options(parts, tmp_path))
    status, out, _ = nrsr_main("prepare", "librimix", "--corpus-dir", tmp_path, "--out", tmp_path / "again", "--nj", 1)
    assert status == 0 and "train-100      3 mixtures" in out
    again, first = tmp_path / "again" / "train-100", tmp_path / "data" / "train-100"
    assert (again / "wav.scp").read_bytes() == (first / "wav.scp").read_bytes()
    assert not (again / "text_spk1").exists()
    assert librimix.check(tmp_path) == []
    assert "neither Libri2Mix nor Libri3Mix" in librimix.check(tmp_path / "no")[0]


def test_a_missing_file_of_a_tree_is_named_counted_and_listed(parts, tmp_path, nrsr_main):
    librimix.prepare(**options(parts, tmp_path))
    folder = tmp_path / "Libri2Mix" / "wav8k" / "min" / "train-100"
    gone = [*sorted((folder / "s2").glob("*.wav"))[:2], *sorted((folder / "noise").glob("*.wav"))[:1]]
    for path in gone:
        path.unlink()
    status, _, err = nrsr_main("prepare", "librimix", "--corpus-dir", tmp_path, "--out", tmp_path / "data", "--nj", 1)
    assert status == 1 and f"3 problems, all in {tmp_path}/data/problems.txt; the first: {gone[0]}: no such" in err
    listed = (tmp_path / "data" / "problems.txt").read_text()
    assert all(str(path) in listed for path in gone)
    os.rename(folder / "s2", folder / "s9")
    assert f"{folder / 's2'}: no such folder" in librimix.check(tmp_path)[0]
    with pytest.raises(LibriMixError, match="s2: no such folder; make LibriMix"):
        librimix.prepare(tmp_path, tmp_path / "data", nj=1)
    with pytest.raises(LibriMixError, match="none of the folders train-360, train-100, dev, test is there"):
        librimix.prepare(tmp_path, tmp_path / "data", speakers=3)


def test_sources_of_unequal_length_and_rate_are_listed(parts, tmp_path):
    librimix.prepare(**options(parts, tmp_path))
    folder = tmp_path / "Libri2Mix" / "wav8k" / "min" / "train-100"
    one, other, _ = sorted((folder / "s1").glob("*.wav"))
    soundfile.write(one, np.ones(100) / 9, 8000)
    soundfile.write(other, np.ones(100) / 9, 16000)
    with pytest.raises(LibriMixError, match=f"2 problems, .*{one.stem}: sources of unequal length: 100 samples in s1"):
        librimix.prepare(tmp_path, tmp_path / "data", nj=1)
    assert f"{other}: has 16000 Hz instead of 8000" in (tmp_path / "data" / "problems.txt").read_text()


def test_recordings_that_the_metadata_lack_stop_before_any_work(parts, tmp_path, nrsr_main):
    file = parts / "LibriSpeech" / "train-clean-100" / "174" / "100" / "174-100-0000.flac"
    noise = parts / "wham_noise" / "tr" / "05ee_2_06ff_-2.wav"
    for path in (file, noise):
        path.rename(path.with_suffix(".kept"))
    try:
        arguments = [str(part) for name, value in options(parts, tmp_path).items()
                     for part in (f"--{name.replace('_', '-')}", value)]  # fmt: skip
        status, _, err = nrsr_main("prepare", "librimix", *arguments)
    finally:
        for path in (file, noise):
            path.with_suffix(".kept").rename(path)
    assert status == 1 and "recordings that the metadata name are missing: 2 problems" in err
    assert f"the first: {file}: no such file, but mixture 84-100-0000_174-100-0000 needs it" in err
    assert "05ee_2_06ff_-2sp08.wav: no such file" in (tmp_path / "data" / "problems.txt").read_text()
    assert not (tmp_path / "Libri2Mix").exists()


def test_silent_and_broken_recordings_are_listed(parts, tmp_path):
    folder = parts / "LibriSpeech" / "train-clean-100"
    silent, broken = folder / "84" / "100" / "84-100-0000.flac", folder / "251" / "100" / "251-100-0001.flac"
    kept = {path: path.read_bytes() for path in (silent, broken)}
    try:
        soundfile.write(silent, np.zeros(9000), RATE)
        broken.write_bytes(b"fLaC no more")
        with pytest.raises(LibriMixError, match=f"could not be made: 2 problems.*{silent}: is silent in mixture"):
            librimix.prepare(**options(parts, tmp_path))
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert str(broken) in (tmp_path / "data" / "problems.txt").read_text()
    assert "train-100: 2 mixtures made, 1 stood already" in librimix.prepare(**options(parts, tmp_path)).table


def test_clipped_mixtures_are_counted_and_named(parts, tmp_path):
    metadata = tmp_path / "metadata"
    metadata.mkdir()
    text = (parts / "metadata" / "Libri2Mix" / "libri2mix_train-clean-100.csv").read_text()
    (metadata / "libri2mix_train-clean-100.csv").write_text(text.replace(",0.77", ",9.5", 1))
    done = librimix.prepare(**options(parts, tmp_path) | {"metadata_dir": metadata})
    assert "train-100: 1 mixtures are clipped at full scale, as in the original: 84-100-0000_174-100-0000" in done.notes
    wave = read(read_list(tmp_path / "data" / "train-100" / "wav.scp")["84-100-0000_174-100-0000"])
    assert wave.max() == 32767 / 32768 and wave.min() == -1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("source_2_gain", "gain"), "has no column source_2_gain; clone"),
        (("0.77", "loud"), ":2: a gain is no number .*'loud'"),
        (("0.77", "-1"), r":2: gains .* are not all above 0"),
        ((",0.77", ""), ":2: has not as many columns as the header"),
        (("84-100-0000_", "../x_"), ":2: '../x_.*' is no id that can name a file"),
        (("174-100-0001_251-100-0001,", "84-100-0000_174-100-0000,"), "stands twice"),
    ],
)
def test_metadata_that_are_not_whole_are_refused(change, message, parts, tmp_path):
    text = (parts / "metadata" / "Libri2Mix" / "libri2mix_train-clean-100.csv").read_text()
    assert change[0] in text
    path = tmp_path / "libri2mix_dev-clean.csv"
    path.write_text(text.replace(change[0], change[1], 1))
    with pytest.raises(LibriMixError, match=message):
        read_metadata(path, 2)


def test_options_that_do_not_fit_are_refused(parts, tmp_path):
    whole = options(parts, tmp_path)
    with pytest.raises(LibriMixError, match="making mixtures needs all of"):
        librimix.prepare(**whole | {"wham_dir": None})
    with pytest.raises(LibriMixError, match="no metadata of dev; it has train-100"):
        librimix.prepare(**whole | {"sets": ("dev",)})
    with pytest.raises(LibriMixError, match="Libri3Mix: holds no libri2mix_.*csv; clone"):
        librimix.prepare(**whole | {"metadata_dir": parts / "metadata" / "Libri3Mix"})


def test_noise_is_extended_without_seams():
    noise = np.ones(9000, dtype=np.float32)
    assert np.allclose(extended(noise, 30000), 1.0) and len(extended(noise, 30000)) == 30000  # the halves add up to 1
    ramp = np.arange(20000.0)
    np.testing.assert_array_equal(extended(ramp, 12000), ramp[:12000])
    assert extended(ramp, 30000)[20000 - 4001] == pytest.approx((15999 + 4000) / 2, abs=0.1)  # the middle of the fade


def test_names_of_noises_at_other_speeds():
    assert original_noise("tr/a_1_b_-1sp12.wav") == ("tr/a_1_b_-1.wav", 1.2)
    assert original_noise("cv/a_1_b_-1.wav") == ("cv/a_1_b_-1.wav", 1.0)
