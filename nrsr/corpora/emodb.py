"""Berlin Database of Emotional Speech (EmoDB) and perhaps nonspeech noise: whole German sentences, sets by speaker.

wav/{speaker}{text}{emotion}{version}.wav, 16 kHz: 535 recordings of 10 actors (03 10 11 12 15 male, 08 09 13 14 16
female) who speak the same 10 sentences in 7 emotions. Sets have different speakers, but of necessity the same
sentences: they are good for separation, not for word error rates of unseen text.
"""

import argparse
import re
from pathlib import Path

from nrsr.corpora import nonspeech
from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import left_out, names_in, unusual_count
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.errors import NrsrError

OFFICIAL = 535
SPEAKERS = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
MEN = ("03", "10", "11", "12", "15")
# Two men or more and two women or more train, and each set has both.
DEV, TEST = ("12", "14"), ("13", "15", "16")
NAME = re.compile(r"(\d\d)([ab]\d\d)([A-Z])([a-z])")
EMOTIONS = {
    "W": "angry", "L": "bored", "E": "disgust", "A": "fearful", "F": "happy", "T": "sad", "N": "neutral",
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
    parser.add_argument("--out", required=True, help="folder for the data directories")
    add_rate(parser, 16000)
    parser.add_argument("--dev-speakers", type=speakers, default=DEV, help="two digits each (12,14)")
    parser.add_argument("--test-speakers", type=speakers, default=TEST, help="two digits each (13,15,16)")
    parser.add_argument(
        "--leave-out",
        choices=SPEAKERS,
        metavar="SPEAKER",
        help="test this speaker alone, the next man and the next woman are for development; for emotion recognition",
    )
    parser.add_argument(
        "--fold",
        type=int,
        choices=range(nonspeech.FOLDS),
        help="rotation of the noise    (0; with --leave-out that of the speaker among the ten)",
    )
    nonspeech.add_arguments(parser)


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
    leave_out: str | None = None,
    fold: int | None = None,
    seed: int = 0,
) -> Prepared:
    """Write OUT/{train,dev,test}_clean, with utt2emotion and utt2sentence, and OUT/noise_{train,dev,seen,unseen}.

    Without `fold` the noise rotates with the speaker who is left out, as place 0 to 9 of the speakers, and is that of
    fold 0 for a fixed division.

    Raises:
        EmodbError, RecordingsError, nonspeech.NonspeechError: files missing or unreadable; counted, the first named.
    """
    if problems := check(corpus_dir) + nonspeech.problems(noise_dir):
        raise EmodbError(problems[0])
    sets = split(dev_speakers, test_speakers) if leave_out is None else leave_one_out(leave_out)
    wav, out = Path(corpus_dir) / "wav", Path(out)
    recordings = names_in(wav)
    official = [name for name in recordings if is_recording(name)]
    done = Prepared(table=[f"EmoDB, {rate} Hz"])
    lengths = set()
    for name, members in sets.items():
        selected = [recording_of(wav / file) for file in official if file[:2] in members]
        lengths |= set(write_recordings(out / f"{name}_clean", selected, rate, done, CURE).values())
    if noise_dir:
        if fold is None:
            fold = 0 if leave_out is None else SPEAKERS.index(leave_out) % nonspeech.FOLDS
        nonspeech.write_sets(noise_dir, out, fold, seed, rate, done)
    done.notes += unusual_count(wav, len(official), OFFICIAL)
    if len(lengths) == 1:
        done.notes.append(
            f"{wav}: all recordings have {lengths.pop():.2f} s; those of the corpus differ, so this copy was "
            "cut or padded, perhaps resampled too: sentences may be incomplete and voices changed; take the original"
        )
    done.notes += left_out(wav, set(recordings) - set(official))
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


def leave_one_out(speaker: str) -> dict[str, tuple[str, ...]]:
    """Set -> its speakers, where one alone is tested; the next man and the next woman are for development."""
    place = SPEAKERS.index(speaker)
    following = SPEAKERS[place + 1 :] + SPEAKERS[:place]
    man = next(candidate for candidate in following if candidate in MEN)
    woman = next(candidate for candidate in following if candidate not in MEN)
    return split((man, woman), (speaker,))


def recording_of(path: Path) -> Recording:
    """What the name of a file says."""
    speaker, sentence, emotion, _ = NAME.fullmatch(path.stem).groups()
    return Recording(
        id=path.stem,
        speaker=speaker,
        words=SENTENCES[sentence],
        path=path,
        gender="m" if speaker in MEN else "f",
        labels={"utt2emotion": EMOTIONS[emotion], "utt2sentence": sentence},
    )
