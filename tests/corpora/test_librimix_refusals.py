"""LibriMix: recordings that are missing or broken, metadata and options that do not fit are named."""

import os

import numpy as np
import pytest
import soundfile
from toy_librimix import RATE, options

from nrsr.corpora import librimix
from nrsr.corpora.librimix_metadata import LibriMixError, read_metadata


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
    assert "train-100: 2 mixtures made, 1 already there" in librimix.prepare(**options(parts, tmp_path)).table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("source_2_gain", "gain"), "has no column source_2_gain; clone"),
        (("0.77", "loud"), ":2: a gain is no number .*'loud'"),
        (("0.77", "-1"), r":2: gains .* are not all above 0"),
        ((",0.77", ""), ":2: has not as many columns as the header"),
        (("84-100-0000_", "../x_"), ":2: '../x_.*' is no id that can name a file"),
        (("174-100-0001_251-100-0001,", "84-100-0000_174-100-0000,"), "appears twice"),
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
