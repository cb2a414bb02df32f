"""RAVDESS, spoken sentences: 24 actors say two English sentences in 8 emotions; speakers and noises disjoint.

Actor_{01..24}/{modality}-{channel}-{emotion}-{intensity}-{statement}-{repetition}-{actor}.wav, audio alone (03) and
speech (01): 1,440 recordings at 48 kHz, five of them in stereo. Odd actors are men, even ones women. Over the four
folds each actor is tested once; each set has as many men as women, and of necessity the same two sentences: good for
enhancement, emotions and vocoders, not for word error rates of unseen text.
"""

import argparse
import re
from pathlib import Path

from nrsr.corpora import nonspeech
from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import files_below, left_out
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.corpora.speaker_folds import speaker_sets
from nrsr.errors import NrsrError

FOLDS = nonspeech.FOLDS
ACTORS = tuple(f"{number:02d}" for number in range(1, 25))
MEN, WOMEN = ACTORS[::2], ACTORS[1::2]
EMOTIONS = {
    "01": "neutral", "02": "calm", "03": "happy", "04": "sad", "05": "angry", "06": "fearful", "07": "disgust",
    "08": "surprised",
}  # fmt: skip
INTENSITIES = {"01": "normal", "02": "strong"}
SENTENCES = {"01": "kids are talking by the door", "02": "dogs are sitting by the door"}
REPETITIONS = ("01", "02")
NAME = re.compile(r"03-01-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)\.wav")
CURE = "unpack Audio_Speech_Actors_01-24.zip of RAVDESS anew and give the folder that holds Actor_01 as --corpus-dir"


class RavdessError(NrsrError):
    """Recordings of the corpus are missing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus and noise folders, the rate, and the fold of speakers and noise."""
    parser.add_argument("--corpus-dir", required=True, help="RAVDESS, the folder that holds Actor_01 to Actor_24")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    add_rate(parser, 16000)
    parser.add_argument("--fold", type=int, choices=range(FOLDS), default=0, help="who is tested, and the noise (0)")
    nonspeech.add_arguments(parser)


def prepare(
    corpus_dir: str | Path,
    out: str | Path,
    noise_dir: str | Path | None = None,
    rate: int = 16000,
    fold: int = 0,
    seed: int = 0,
) -> Prepared:
    """Write OUT/{train,dev,test}_clean, and OUT/noise_{train,dev,seen,unseen} where there is a noise folder.

    Speech has text, spk2gender, utt2emotion, utt2intensity (normal or strong) and utt2sentence (01 or 02).

    Raises:
        RavdessError, RecordingsError, nonspeech.NonspeechError: files missing or unreadable; counted, the first named.
    """
    if problems := check(corpus_dir) + nonspeech.problems(noise_dir):
        raise RavdessError(problems[0])
    corpus_dir, out = Path(corpus_dir), Path(out)
    done = Prepared(table=[f"RAVDESS, fold {fold}, {rate} Hz"])
    for name, actors in speaker_sets((MEN, WOMEN), fold, FOLDS).items():
        recordings = [recording_of(corpus_dir / path) for actor in actors for path in expected_files(actor)]
        write_recordings(out / f"{name}_clean", recordings, rate, done, CURE)
    if noise_dir:
        nonspeech.write_sets(noise_dir, out, fold, seed, rate, done)
    expected = {corpus_dir / path for actor in ACTORS for path in expected_files(actor)}
    strays = (str(path.relative_to(corpus_dir)) for path in files_below(corpus_dir) if path not in expected)
    done.notes += left_out(corpus_dir, strays)
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line each; looks at names alone."""
    corpus_dir = Path(corpus_dir)
    if not corpus_dir.is_dir():
        return [f"{corpus_dir}: no such folder; {CURE}"]
    expected = [path for actor in ACTORS for path in expected_files(actor)]
    absent = [path for path in expected if not (corpus_dir / path).is_file()]
    if absent:
        return [f"{corpus_dir}: {len(absent)} of {len(expected)} recordings are missing, first {absent[0]}; {CURE}"]
    return []


def expected_files(actor: str) -> list[str]:
    """The 60 files of an actor below the corpus folder; neutral has one intensity."""
    return [
        f"Actor_{actor}/03-01-{emotion}-{intensity}-{sentence}-{repetition}-{actor}.wav"
        for emotion in EMOTIONS
        for intensity in INTENSITIES
        if (emotion, intensity) != ("01", "02")
        for sentence in SENTENCES
        for repetition in REPETITIONS
    ]


def recording_of(path: Path) -> Recording:
    """What the name of a file says."""
    emotion, intensity, sentence, _, actor = NAME.fullmatch(path.name).groups()
    speaker = f"actor{actor}"
    return Recording(
        id=f"{speaker}-{path.stem}",
        speaker=speaker,
        words=SENTENCES[sentence],
        path=path,
        gender="m" if actor in MEN else "f",
        labels={
            "utt2emotion": EMOTIONS[emotion],
            "utt2intensity": INTENSITIES[intensity],
            "utt2sentence": sentence,
        },
    )
