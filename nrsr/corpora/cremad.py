"""CREMA-D: 91 actors say twelve English sentences in six emotions, 16 kHz; speakers and noises disjoint.

AudioWAV/{actor}_{sentence}_{emotion}_{intensity}.wav, as 1001_DFA_ANG_XX.wav: 7,442 recordings, of which
1076_MTI_SAD_XX has no sound and is left out; 1040_ITH_SAD_X is published with one X. Over the four folds each actor is
tested once, and each set has its share of men (48) and women (43), and of necessity the same sentences.
"""

import argparse
import re
from pathlib import Path

from nrsr.corpora import nonspeech
from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import left_out, names_in, unusual_count
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.corpora.speaker_folds import speaker_sets
from nrsr.errors import NrsrError
from nrsr.listing import shown

FOLDS = nonspeech.FOLDS
OFFICIAL = 7442
SILENT = "1076_MTI_SAD_XX.wav"
# By VideoDemographics.csv of the corpus; all others are men.
WOMEN = (
    "1002", "1003", "1004", "1006", "1007", "1008", "1009", "1010", "1012", "1013", "1018", "1020", "1021", "1024",
    "1025", "1028", "1029", "1030", "1037", "1043", "1046", "1047", "1049", "1052", "1053", "1054", "1055", "1056",
    "1058", "1060", "1061", "1063", "1072", "1073", "1074", "1075", "1076", "1078", "1079", "1082", "1084", "1089",
    "1091",
)  # fmt: skip
ACTORS = tuple(str(number) for number in range(1001, 1092))
MEN = tuple(actor for actor in ACTORS if actor not in WOMEN)
SENTENCES = {
    "IEO": "it's eleven o'clock",
    "TIE": "that is exactly what happened",
    "IOM": "i'm on my way to the meeting",
    "IWW": "i wonder what this is about",
    "TAI": "the airplane is almost full",
    "MTI": "maybe tomorrow it will be cold",
    "IWL": "i would like a new alarm clock",
    "ITH": "i think i have a doctor's appointment",
    "DFA": "don't forget a jacket",
    "ITS": "i think i've seen this before",
    "TSI": "the surface is slick",
    "WSI": "we'll stop in a couple of minutes",
}
EMOTIONS = {"ANG": "angry", "DIS": "disgust", "FEA": "fearful", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified", "X": "unspecified"}
NAME = re.compile(rf"(1\d\d\d)_({'|'.join(SENTENCES)})_({'|'.join(EMOTIONS)})_({'|'.join(INTENSITIES)})\.wav")
CURE = "clone https://github.com/CheyneyComputerScience/CREMA-D with git-lfs and give that folder as --corpus-dir"


class CremadError(NrsrError):
    """The folder of recordings, or all recordings of an actor, are missing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus and noise folders, the rate, and the fold of speakers and noise."""
    parser.add_argument("--corpus-dir", required=True, help="CREMA-D, the folder that holds AudioWAV/")
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

    Speech has text, spk2gender, utt2emotion (as it was acted), utt2intensity and utt2sentence.

    Raises:
        CremadError, RecordingsError, nonspeech.NonspeechError: files missing or unreadable; counted, the first named.
    """
    if problems := check(corpus_dir) + nonspeech.problems(noise_dir):
        raise CremadError(problems[0])
    waves, out = Path(corpus_dir) / "AudioWAV", Path(out)
    files = names_in(waves)
    present = [name for name in files if is_recording(name)]
    done = Prepared(table=[f"CREMA-D, fold {fold}, {rate} Hz"])
    for name, actors in speaker_sets((MEN, WOMEN), fold, FOLDS).items():
        chosen = set(actors)
        recordings = [recording_of(waves / file) for file in present if file[:4] in chosen and file != SILENT]
        write_recordings(out / f"{name}_clean", recordings, rate, done, CURE)
    if noise_dir:
        nonspeech.write_sets(noise_dir, out, fold, seed, rate, done)
    if SILENT in present:
        done.notes.append(f"{waves / SILENT}: has no sound and is left out")
    done.notes += unusual_count(waves, len(present), OFFICIAL) + left_out(waves, set(files) - set(present))
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line each; looks at names alone. Single recordings may be missing."""
    waves = Path(corpus_dir) / "AudioWAV"
    if not waves.is_dir():
        return [f"{waves}: no such folder; {CURE}"]
    present = {name[:4] for name in names_in(waves) if is_recording(name)}
    absent = [actor for actor in ACTORS if actor not in present]
    return [f"{waves}: no recordings of {len(absent)} actors, {shown(absent)}; {CURE}"] if absent else []


def is_recording(name: str) -> bool:
    """Whether a file name is one of the corpus."""
    match = NAME.fullmatch(name)
    return match is not None and match[1] in ACTORS


def recording_of(path: Path) -> Recording:
    """What the name of a file says."""
    actor, sentence, emotion, intensity = NAME.fullmatch(path.name).groups()
    return Recording(
        id=path.stem,
        speaker=actor,
        words=SENTENCES[sentence],
        path=path,
        gender="f" if actor in WOMEN else "m",
        labels={
            "utt2emotion": EMOTIONS[emotion],
            "utt2intensity": INTENSITIES[intensity],
            "utt2sentence": sentence,
        },
    )
