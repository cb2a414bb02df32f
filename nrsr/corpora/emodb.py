"""Berlin Database of Emotional Speech (EmoDB) and perhaps nonspeech noise: whole German sentences, sets by speaker.

wav/{speaker}{text}{emotion}{version}.wav, 16 kHz: 535 recordings of 10 actors (03 10 11 12 15 male, 08 09 13 14 16
female) who speak the same 10 sentences in 7 emotions. Sets have different speakers, but of necessity the same
sentences: they are good for separation, not for word error rates of unseen text.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from nrsr.arguments import seed_number
from nrsr.corpora import nonspeech
from nrsr.corpora.datadirs import Prepared, Utterance, below_one, write_noises, write_speech
from nrsr.corpora.files import names_in
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import AudioError, read_audio
from nrsr.kaldi.lists import write_list
from nrsr.progress import track

RATES = (8000, 16000)
OFFICIAL = 535
SPEAKERS = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
# Two men or more and two women or more train, and each set has both.
DEV, TEST = ("12", "14"), ("13", "15", "16")
NAME = re.compile(r"(\d\d)([ab]\d\d)([A-Z])([a-z])")
EMOTIONS = {
    "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral",
}  # fmt: skip
SENTENCES = {
    "a01": "der lappen liegt auf dem eisschrank",
    "a02": "das will sie am mittwoch abgeben",
    "a04": "heute abend könnte ich es ihm sagen",
    "a05": "das schwarze stück papier befindet sich da oben neben dem holzstück",
    "a07": "in sieben stunden wird es soweit sein",
    "b01": "was sind denn das für tüten die da unter dem tisch stehen",
    "b02": "sie haben es gerade hochgetragen und jetzt gehen sie wieder runter",
    "b03": "an den wochenenden bin ich jetzt immer nach hause gefahren und habe agnes besucht",
    "b09": "ich will das eben wegbringen und dann mit karl was trinken gehen",
    "b10": "die wird auf dem platz sein wo wir sie immer hinlegen",
}
CURE = "unpack EmoDB anew and give the folder that holds wav/ as --corpus-dir"


class EmodbError(NrsrError):
    """Recordings of the corpus are missing or cannot be read, or sets that cannot be."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus and noise folders, the rate, the division of the speakers, and the fold of the noise."""
    parser.add_argument("--corpus-dir", required=True, help="EmoDB, the folder that holds wav/")
    parser.add_argument("--noise-dir", help="the folder that holds n1.wav ... n100.wav (nonspeech), for noise as well")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    parser.add_argument("--rate", type=int, choices=RATES, default=16000, help="Hz (%(default)s)")
    parser.add_argument("--dev-speakers", type=speakers, default=DEV, help="two digits each (12,14)")
    parser.add_argument("--test-speakers", type=speakers, default=TEST, help="two digits each (13,15,16)")
    parser.add_argument("--fold", type=int, choices=range(nonspeech.FOLDS), default=0, help="rotation of the noise")
    parser.add_argument("--seed", type=seed_number, default=0, help="of the division of the noise (0)")


def speakers(text: str) -> tuple[str, ...]:
    """("12", "14") of "12,14"."""
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(SPEAKERS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: the speakers are {' '.join(SPEAKERS)}")
    return chosen


def prepare(
    corpus_dir: str | Path,
    out: str | Path,
    noise_dir: str | Path | None = None,
    rate: int = 16000,
    dev_speakers: tuple[str, ...] = DEV,
    test_speakers: tuple[str, ...] = TEST,
    fold: int = 0,
    seed: int = 0,
) -> Prepared:
    """Write OUT/{train,dev,test}_clean, with utt2emotion and utt2sentence, and OUT/noise_{train,dev,seen,unseen}.

    Raises:
        EmodbError, nonspeech.NonspeechError: files missing or unreadable; counted, the first one named.
    """
    if problems := check(corpus_dir):
        raise EmodbError(problems[0])
    sets = split(dev_speakers, test_speakers)
    wav, out = Path(corpus_dir) / "wav", Path(out)
    noises = nonspeech.read_noises(Path(noise_dir), fold, seed, rate) if noise_dir else {}
    done = Prepared(table=[f"EmoDB, {rate} Hz"])
    lengths = set()
    for name, members in sets.items():
        utterances = list(read_utterances(wav, members, rate))
        lengths |= {len(utterance.wave) for utterance in utterances}
        done.table.append(write_speech(out / f"{name}_clean", utterances, rate))
        parts = {utterance.id: NAME.fullmatch(utterance.id).groups() for utterance in utterances}
        write_list(out / f"{name}_clean" / "utt2emotion", {u: EMOTIONS[part[2]] for u, part in parts.items()})
        write_list(out / f"{name}_clean" / "utt2sentence", {u: part[1] for u, part in parts.items()})
    for name, waves in noises.items():
        done.table.append(write_noises(out / f"noise_{name}", waves, rate))
    recordings = names_in(wav)
    official = [name for name in recordings if is_recording(name)]
    if len(official) != OFFICIAL:
        done.notes.append(f"{wav}: {len(official)} recordings; the corpus has {OFFICIAL}")
    if len(lengths) == 1:
        done.notes.append(
            f"{wav}: all recordings have {lengths.pop() / rate:.2f} s; those of the corpus differ, so this copy was "
            "cut or padded, perhaps resampled too: sentences may be incomplete and voices changed; take the original"
        )
    if others := sorted(set(recordings) - set(official)):
        done.notes.append(f"{wav}: {len(others)} files that are no recordings are left out: {' '.join(others)}")
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line each; looks at names alone. Single recordings may be missing."""
    wav = Path(corpus_dir) / "wav"
    if not wav.is_dir():
        return [f"{wav}: no such folder; {CURE}"]
    present = {name[:2] for name in names_in(wav) if is_recording(name)}
    absent = [speaker for speaker in SPEAKERS if speaker not in present]
    return [f"{wav}: no recordings of {len(absent)} speakers, {' '.join(absent)}; {CURE}"] if absent else []


def is_recording(name: str) -> bool:
    """Whether a file name is one of the corpus."""
    match = NAME.fullmatch(name.removesuffix(".wav"))
    if match is None or not name.endswith(".wav"):
        return False
    speaker, sentence, emotion, _ = match.groups()
    return speaker in SPEAKERS and sentence in SENTENCES and emotion in EMOTIONS


def split(dev: tuple[str, ...], test: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Set -> its speakers; those of neither development nor test train."""
    train = tuple(speaker for speaker in SPEAKERS if speaker not in (*dev, *test))
    if set(dev) & set(test) or not train:
        raise EmodbError(f"speakers {' '.join(dev)} for development, {' '.join(test)} for test: let sets be disjoint")
    return {"train": train, "dev": dev, "test": test}


def read_utterances(wav: Path, members: tuple[str, ...], rate: int) -> Iterator[Utterance]:
    """All sentences of some speakers.

    Raises:
        EmodbError: some cannot be read; counted, the first one named.
    """
    failures = []
    paths = [wav / name for name in names_in(wav) if is_recording(name) and name[:2] in members]
    for path in track(paths, f"reading {wav}"):
        try:
            wave, _ = read_audio(str(path), rate=rate, resample=True)
        except AudioError as error:
            failures.append(str(error))
            continue
        speaker, sentence, _, _ = NAME.fullmatch(path.stem).groups()
        yield Utterance(path.stem, speaker, SENTENCES[sentence], below_one(wave))
    if failures:
        raise EmodbError(f"{len(failures)} recordings cannot be read, first: {failures[0]}; {CURE}")
