"""Toy speech for the tests of HMMs: features drawn from known states, so that every boundary is known."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nrsr.commands.main import main
from nrsr.hmm.prepare_lang import Pronunciations, write_lang
from nrsr.kaldi.dictionary import dictionary_of
from nrsr.kaldi.lexicon import Pronunciation
from nrsr.kaldi.lists import write_list
from nrsr.kaldi.make_lang import LangOptions
from nrsr.kaldi.tables import TableWriter

sys.path.insert(0, str(Path(__file__).parent))  # library_training

WORDS = {"ab": "A B", "ba": "B A", "cd": "C D", "ac": "A C", "dab": "D A B", "cb": "C B", "bd": "B D", "<unk>": "SPN"}
DIM, STATES = 6, 3
UTTERANCES = 60
CONFIG = "features: {cmvn: none, deltas: 0}\n"


@dataclass(frozen=True)
class ToySpeech:
    """Folders of toy speech, and where its phones lie.

    Attributes:
        segments: utterance -> (phone, first frame, one past the last frame).
    """

    data: Path
    lang: Path
    config: Path
    segments: dict[str, list[tuple[str, int, int]]]


def spoken(words: list[str], rng: np.random.Generator) -> list[str]:
    """Phones, with silence at both ends and sometimes between words."""
    phones = ["SIL"]
    for word in words:
        phones += WORDS[word].split()
        if rng.random() < 0.5:
            phones.append("SIL")
    return phones if phones[-1] == "SIL" else [*phones, "SIL"]


def features_of(phones: list[str], means: dict[str, np.ndarray], rng: np.random.Generator):
    """Frames, and the segment of each phone; the outer states of a phone lean towards its neighbours."""
    frames, segments, start = [], [], 0
    for number, phone in enumerate(phones):
        for state in range(STATES):
            mean = means[phone][state].copy()
            neighbour = {0: number - 1, STATES - 1: number + 1}.get(state, -1)
            if phone != "SIL" and 0 <= neighbour < len(phones):
                mean += 0.35 * means[phones[neighbour]][1]
            frames.append(mean + rng.standard_normal((rng.integers(2, 6), DIM)))
        end = start + sum(len(part) for part in frames[-STATES:])
        segments.append((phone, start, end))
        start = end
    return np.concatenate(frames).astype(np.float32), segments


@pytest.fixture(scope="session")
def toy_speech(tmp_path_factory) -> ToySpeech:
    folder = tmp_path_factory.mktemp("toy_speech")
    rng = np.random.default_rng(1)
    lexicon = [Pronunciation(word, tuple(phones.split())) for word, phones in WORDS.items()]
    write_lang(Pronunciations(dictionary_of(lexicon), []), folder / "lang", LangOptions(silence_states=3))
    means = {phone: 4.0 * rng.standard_normal((STATES, DIM)) for phone in ("A", "B", "C", "D")}
    means["SIL"] = np.tile(np.full(DIM, -6.0), (STATES, 1))
    data = folder / "data"
    data.mkdir()
    texts, segments, frames = {}, {}, {}
    with TableWriter(f"ark,scp:{data}/feats.ark,{data}/feats.scp") as writer:
        for number in range(UTTERANCES):
            name = f"toy{number:03d}"
            words = rng.choice([word for word in WORDS if word != "<unk>"], rng.integers(2, 5)).tolist()
            features, segments[name] = features_of(spoken(words, rng), means, rng)
            texts[name], frames[name] = " ".join(words), len(features)
            writer[name] = features
    write_list(data / "text", texts)
    write_list(data / "utt2spk", dict.fromkeys(texts, "toy"))
    write_list(data / "utt2num_frames", frames)
    (folder / "gmm.yaml").write_text(
        CONFIG + "mono: {gaussians: 60, iterations: 12, grow_until: 8}\n"
        "tri: {leaves: 40, gaussians: 60, iterations: 12, grow_until: 8, min_gain: 40}\n"
        "lda: {dim: 8, leaves: 40, gaussians: 60, iterations: 12, grow_until: 8, min_gain: 40}\n"
    )
    return ToySpeech(data, folder / "lang", folder / "gmm.yaml", segments)


@pytest.fixture(scope="session")
def trained(toy_speech, tmp_path_factory) -> Path:
    """A folder with mono, tri and lda."""
    folder = tmp_path_factory.mktemp("gmm")
    common = ["--data", toy_speech.data, "--lang", toy_speech.lang, "--config", toy_speech.config]
    for kind, more in (("mono", []), ("tri", ["--ali", folder / "mono"]), ("lda", ["--ali", folder / "tri"])):
        arguments = ["train-gmm", kind, *common, *more, "--exp", folder / kind]
        assert main([str(argument) for argument in arguments]) == 0
    return folder
