"""Refuses sets that share speakers or noise recordings with those that a system was trained on."""

import re
from collections.abc import Sequence

from nrsr.errors import NrsrError
from nrsr.kaldi.contents import label_lists
from nrsr.kaldi.datadir import DataDir
from nrsr.listing import listed

NOISE, NOISE_FILES = "utt2noise", "utt2noisefile"
SPEED = re.compile(r"(sp\d+(\.\d+)?-)+")  # of copies at another speed, as Kaldi and nrsr perturb-speed name them


class SharedError(NrsrError):
    """A test set is not apart from the training data."""


def refuse_shared(test: DataDir, trained: Sequence[DataDir]) -> None:
    """Refuse a test set with speakers or noise recordings that were trained on.

    Args:
        test: speech, perhaps noisy.
        trained: speech, noisy speech and noise directories; of the last, `is_noise`, the speakers do not count.

    Raises:
        SharedError: names the speakers, or else the noise recordings, in common.
        DataDirError, ListError: lists that are missing or broken.
    """
    speakers, noises = speakers_of(test), noises_of(test)
    for data in trained:
        if data.path.resolve() == test.path.resolve():
            raise SharedError(f"{test.path}: was trained on itself; test other utterances, of other speakers")
        if not is_noise(data) and (shared := sorted(speakers & speakers_of(data))):
            raise SharedError(
                f"{test.path}: {len(shared)} of {len(speakers)} speakers are in {data.path} as well: {listed(shared)}; "
                "the protocol is speaker-independent: divide the corpus by speakers, not by utterances"
            )
        if shared := sorted(noises & noises_of(data)):
            raise SharedError(
                f"{test.path}: {len(shared)} of {len(noises)} noise recordings are in {data.path} as well: "
                f"{listed(shared)}; mix the test set with recordings that nobody was trained on"
            )


def is_noise(data: DataDir) -> bool:
    """Whether a directory holds noise recordings, as `write_noises` writes them, not speech.

    Noisy speech of a corpus may have utt2noise too, and no utt2noisefile; but it has speakers with several utterances,
    text, labels or signal-to-noise ratios.
    """
    if not data.has(NOISE) or any(data.has(name) for name in (NOISE_FILES, "utt2snr", "text")):
        return False
    speakers = data.read("utt2spk") if data.has("utt2spk") else {}
    return not label_lists(data.path) and all(name == speaker for name, speaker in speakers.items())


def speakers_of(data: DataDir) -> set[str]:
    """The speakers of a directory of speech; those of copies at another speed, of which utt2uniq names the originals,
    without the speed: sp0.9-ann is ann.
    """
    originals = data.read("utt2uniq") if data.has("utt2uniq") else {}
    speakers = set()
    for utterance, speaker in data.read("utt2spk").items():
        speed, original = SPEED.match(speaker), originals.get(utterance)
        # The speakers of a corpus may be called in the same way: the ids of originals begin with that, too, then.
        copied = speed and original and not original.startswith(speed[0])
        speakers.add(speaker[speed.end() :] if copied else speaker)
    return speakers


def noises_of(data: DataDir) -> set[str]:
    """The noise recordings that a directory holds, or that were mixed into it."""
    if data.has(NOISE_FILES):
        return set(data.read(NOISE_FILES).values())
    return set(data.utterances) if is_noise(data) else set()
