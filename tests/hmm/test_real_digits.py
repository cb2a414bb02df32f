"""Monophones trained on some 800 real digits find where each begins and ends, and agree with another training."""

from pathlib import Path

import numpy as np
import pytest
from library_training import train

from nrsr.commands.main import main
from nrsr.data.features import FeatureSettings
from nrsr.hmm.prepare_lang import Pronunciations, write_lang
from nrsr.kaldi import WaveWriter, read_audio, write_list
from nrsr.kaldi.dictionary import dictionary_of
from nrsr.kaldi.lexicon import Pronunciation
from nrsr.kaldi.lists import read_list
from nrsr.kaldi.make_lang import LangOptions
from nrsr.kaldi.symbols import read_symbols
from nrsr.signal.activity import active_samples

RATE, GAP = 8000, 0.2  # samples a second; seconds of faint noise around each digit
QUIET = ("george", "jackson", "theo")  # where a digit is loud can be told by its level
SPEAKERS, STRINGS, LENGTH = (*QUIET, "lucas", "nicolas", "yweweler"), 44, 3
LEXICON = {
    "zero": "Z IH R OW", "one": "W AH N", "two": "T UW", "three": "TH R IY", "four": "F AO R",
    "five": "F AY V", "six": "S IH K S", "seven": "S EH V AH N", "eight": "EY T", "nine": "N AY N", "<unk>": "SPN",
}  # fmt: skip
DIGITS = list(LEXICON)[:10]
Places = dict[str, list[tuple[float, float]]]


def joined(recordings: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Recordings with faint noise around them, and seconds between which each of them is loud."""
    pieces, places, at = [], [], 0
    for wave in recordings:
        gap = 1e-3 * rng.standard_normal(int(GAP * RATE))
        loud = np.flatnonzero(active_samples(wave)) + at + len(gap)
        places.append((loud[0] / RATE, loud[-1] / RATE))
        pieces += [gap, wave]
        at += len(gap) + len(wave)
    whole = np.concatenate([*pieces, 1e-3 * rng.standard_normal(int(GAP * RATE))])
    return np.clip(whole, -1, 1).astype(np.float32), places


@pytest.fixture(scope="module")
def digit_strings(shared_data, tmp_path_factory) -> tuple[Path, Places]:
    """A folder with data and lang, and where the digits of each string are loud."""
    folder, rng = tmp_path_factory.mktemp("digits"), np.random.default_rng(0)
    data, places, texts = folder / "data", {}, {}
    recordings = shared_data / "fsdd" / "recordings"
    with WaveWriter(data / "wav.ark", data / "wav.scp", RATE) as writer:
        for name in (f"{speaker}-{number:02d}" for speaker in SPEAKERS for number in range(STRINGS)):
            speaker, number = name.split("-")
            digits = rng.integers(0, 10, LENGTH).tolist()
            files = [recordings / f"{digit}_{speaker}_{5 + int(number)}.wav" for digit in digits]
            writer[name], places[name] = joined([read_audio(str(file))[0] for file in files], rng)
            texts[name] = " ".join(DIGITS[digit] for digit in digits)
    write_list(data / "text", texts)
    write_list(data / "utt2spk", {name: name.split("-")[0] for name in texts})
    lexicon = [Pronunciation(word, tuple(phones.split())) for word, phones in LEXICON.items()]
    write_lang(Pronunciations(dictionary_of(lexicon), []), folder / "lang", LangOptions())
    (folder / "feats.yaml").write_text("sample_rate: 8000\nfeatures: {class: nrsr.signal.Mfcc, use_energy: false}\n")
    (folder / "gmm.yaml").write_text("mono: {gaussians: 250, iterations: 14, grow_until: 10}\n")
    return folder, places


def spans_of_digits(phones: dict[str, list[tuple[str, float, float]]], texts: dict[str, str]) -> Places:
    """Seconds between which each digit lies, from its phones."""
    spans: Places = {}
    for name, words in texts.items():
        rest = [phone for phone in phones[name] if phone[0] != "SIL"]
        spans[name] = []
        for word in words.split():
            own, rest = rest[: len(LEXICON[word].split())], rest[len(LEXICON[word].split()) :]
            assert [phone for phone, _, _ in own] == LEXICON[word].split()
            spans[name].append((own[0][1], own[-1][2]))
        assert not rest
    return spans


def phones_of_ctm(path: Path) -> dict[str, list[tuple[str, float, float]]]:
    phones: dict[str, list[tuple[str, float, float]]] = {}
    for line in path.read_text().splitlines():
        name, _, start, length, phone = line.split()
        phones.setdefault(name, []).append((phone, float(start), float(start) + float(length)))
    return phones


@pytest.fixture(scope="module")
def found(digit_strings) -> Places:
    """Where our monophones find the digits."""
    folder, _ = digit_strings
    data = folder / "data"
    assert main(["make-feats", "--config", str(folder / "feats.yaml"), str(data)]) == 0
    assert main(["compute-cmvn", str(data)]) == 0
    common = ["--data", str(data), "--lang", str(folder / "lang"), "--config", str(folder / "gmm.yaml")]
    assert main(["train-gmm", "mono", *common, "--exp", str(folder / "mono")]) == 0
    assert len(read_list(folder / "mono" / "ali.scp")) == len(SPEAKERS) * STRINGS
    return spans_of_digits(phones_of_ctm(folder / "mono" / "phone.ctm"), read_list(data / "text"))


def test_digits_are_found_where_they_are(digit_strings, found):
    places = {name: spans for name, spans in digit_strings[1].items() if name.startswith(QUIET)}
    # The middle of each digit's loud part lies in the digit's span, and the span does not reach to its neighbours'.
    inside = [a < (c + d) / 2 < b for name in places for (a, b), (c, d) in zip(found[name], places[name], strict=True)]
    assert np.mean(inside) > 0.99
    begins = np.array([a - c for name in places for (a, _), (c, _) in zip(found[name], places[name], strict=True)])
    ends = np.array([b - d for name in places for (_, b), (_, d) in zip(found[name], places[name], strict=True)])
    assert np.mean(np.abs(begins) < 0.1) > 0.95 and np.mean(np.abs(ends) < 0.1) > 0.9


def test_boundaries_agree_with_the_librarys_own_training(digit_strings, found):
    """Within 30 ms for 95 % of the boundaries; statistics, updates and alignments of the other are the library's."""
    folder, _ = digit_strings
    training = train(folder / "data", folder / "lang", FeatureSettings(), gaussians=250, iterations=14)
    names = {number: phone for phone, number in read_symbols(folder / "lang" / "phones.txt").items()}
    segments = {name: training.segments(name) for name in found}
    phones = {
        name: [(names[phone], start / 100, end / 100) for phone, start, end in parts]
        for name, parts in segments.items()
    }
    theirs = spans_of_digits(phones, read_list(folder / "data" / "text"))
    ours, others = (np.array([span for name in found for span in spans[name]]) for spans in (found, theirs))
    assert np.mean(np.abs(ours - others) < 0.0301) >= 0.95
