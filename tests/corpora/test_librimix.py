"""LibriMix, from a made tree and from LibriSpeech, WHAM and metadata, on small folders of exactly that shape."""

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly
from toy_librimix import NOISES, options, read

from nrsr.corpora import librimix
from nrsr.corpora.librimix_metadata import original_noise, read_metadata
from nrsr.corpora.librimix_mixing import extended
from nrsr.kaldi import DataDir, read_list
from nrsr.kaldi.validate import validate


@pytest.mark.parametrize("speakers", [2, 3])
def test_mixtures_from_metadata_are_what_the_rules_say(speakers, parts, tmp_path):
    done = librimix.prepare(**options(parts, tmp_path, speakers))
    assert "train-100: 3 mixtures made, 0 already there" in done.table
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
    assert "train-100: 0 mixtures made, 3 already there" in librimix.prepare(**options(parts, tmp_path)).table
    assert all(path.stat().st_mtime_ns == before[path][1] for path in files)

    # As a killed run leaves it: a mixture that lacks files, one that a crash has cut, a temporary file.
    first, second = files[0], next(path for path in files if path.parent.name == "s2" and path.name != files[0].name)
    first.unlink()
    second.write_bytes(second.read_bytes()[:1000])
    (folder / "noise" / ".x.wav.123.tmp").write_bytes(b"half")
    done = librimix.prepare(**options(parts, tmp_path) | {"nj": 2})
    assert "train-100: 2 mixtures made, 1 already there" in done.table
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


def test_clipped_mixtures_are_counted_and_named(parts, tmp_path):
    metadata = tmp_path / "metadata"
    metadata.mkdir()
    text = (parts / "metadata" / "Libri2Mix" / "libri2mix_train-clean-100.csv").read_text()
    (metadata / "libri2mix_train-clean-100.csv").write_text(text.replace(",0.77", ",9.5", 1))
    done = librimix.prepare(**options(parts, tmp_path) | {"metadata_dir": metadata})
    assert "train-100: 1 mixtures are clipped at full scale, as in the original: 84-100-0000_174-100-0000" in done.notes
    wave = read(read_list(tmp_path / "data" / "train-100" / "wav.scp")["84-100-0000_174-100-0000"])
    assert wave.max() == 32767 / 32768 and wave.min() == -1.0


def test_noise_is_extended_without_seams():
    noise = np.ones(9000, dtype=np.float32)
    assert np.allclose(extended(noise, 30000), 1.0) and len(extended(noise, 30000)) == 30000  # the halves add up to 1
    ramp = np.arange(20000.0)
    np.testing.assert_array_equal(extended(ramp, 12000), ramp[:12000])
    assert extended(ramp, 30000)[20000 - 4001] == pytest.approx((15999 + 4000) / 2, abs=0.1)  # the middle of the fade


def test_names_of_noises_at_other_speeds():
    assert original_noise("tr/a_1_b_-1sp12.wav") == ("tr/a_1_b_-1.wav", 1.2)
    assert original_noise("cv/a_1_b_-1.wav") == ("cv/a_1_b_-1.wav", 1.0)
