"""IEMOCAP: five sessions of two actors in dialogue; 5,531 utterances of four emotions, sessions left out in turn.

Session{1..5}/dialog/EmoEvaluation/DIALOG.txt (lines "[start - end]<tab>utterance<tab>label<tab>..."),
Session{1..5}/sentences/wav/DIALOG/UTTERANCE.wav at 16 kHz, and words in Session{1..5}/dialog/transcriptions. Kept are
neutral, angry, sad, happy and excited, the last two as one, which is what most papers report on. The talker is the
letter before the number at the end of an utterance's name; that of the dialogue is the actor who wore the markers.
Events such as [LAUGHTER] are no words; an utterance without words has them as `[laughter]`, as in Switchboard.
"""

import argparse
import re
from collections import Counter
from pathlib import Path

from nrsr.corpora import nonspeech
from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import names_in
from nrsr.corpora.recordings import Recording, add_rate, write_recordings
from nrsr.corpora.words import plain_words
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_lines
from nrsr.listing import listed

SESSIONS = (1, 2, 3, 4, 5)
EMOTIONS = {"neu": "neutral", "hap": "happy", "exc": "happy", "ang": "angry", "sad": "sad"}
# Utterances of each emotion in sessions 1 to 5, and of each talker.
OFFICIAL = {
    "neutral": (384, 362, 320, 258, 384),
    "happy": (278, 327, 286, 303, 442),
    "angry": (229, 137, 240, 327, 170),
    "sad": (194, 197, 305, 143, 245),
}
TALKERS = {
    "1F": 528, "1M": 557, "2F": 481, "2M": 542, "3F": 522, "3M": 629, "4F": 528, "4M": 503, "5F": 590, "5M": 651,
}  # fmt: skip
ANNOTATION = re.compile(r"\[\d+\.\d+ - \d+\.\d+\]\t(Ses0\d[FM]_\w+)\t(\w+)\t.*")
TRANSCRIPT = re.compile(r"(Ses0\d[FM]_\w+) \[[\d.]+-[\d.]+\]: ?(.*)")
EVENT = re.compile(r"\[[^\]]*\]")
CURE = "unpack IEMOCAP_full_release.tar.gz anew and give the folder that holds Session1 to Session5 as --corpus-dir"


class IemocapError(NrsrError):
    """Sessions, annotations or recordings are missing, or not those on which results are published."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus and noise folders, the rate, and the session to test."""
    parser.add_argument("--corpus-dir", required=True, help="IEMOCAP, the folder that holds Session1 to Session5")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    add_rate(parser, 16000)
    parser.add_argument("--fold", type=int, choices=SESSIONS, default=1, help="session that is tested (%(default)s)")
    nonspeech.add_arguments(parser)


def prepare(
    corpus_dir: str | Path,
    out: str | Path,
    noise_dir: str | Path | None = None,
    rate: int = 16000,
    fold: int = 1,
    seed: int = 0,
) -> Prepared:
    """Write OUT/{train,dev,test}_clean, and OUT/noise_{train,dev,seen,unseen} where there is a noise folder.

    Session `fold` is tested, the next one is for development (ours: others take utterances of the tested session), the
    three others train. Speech has text where there are transcriptions, spk2gender and utt2emotion.

    Raises:
        IemocapError: sessions, folders or recordings are missing (recordings counted by session, the first named), or
            the numbers of utterances by session, emotion and talker are not the published ones.
        RecordingsError: recordings that cannot be read.
    """
    if problems := check(corpus_dir) + nonspeech.problems(noise_dir):
        raise IemocapError(problems[0])
    corpus_dir, out = Path(corpus_dir), Path(out)
    sessions = {session: read_session(corpus_dir / f"Session{session}", session) for session in SESSIONS}
    refuse_missing_recordings(corpus_dir, sessions)
    if differences := differences_of(sessions):
        raise IemocapError(f"{corpus_dir}: not the 5531 utterances of published results: {listed(differences)}; {CURE}")
    done = Prepared(table=[f"IEMOCAP, session {fold} tested, {rate} Hz"])
    dev = fold % len(SESSIONS) + 1
    members = {"train": [session for session in SESSIONS if session not in (fold, dev)], "dev": [dev], "test": [fold]}
    for name, numbers in members.items():
        recordings = [recording for number in numbers for recording in sessions[number]]
        write_recordings(out / f"{name}_clean", recordings, rate, done, CURE)
    if noise_dir:
        nonspeech.write_sets(noise_dir, out, fold % nonspeech.FOLDS, seed, rate, done)
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with the folder, a line with all sessions or parts of them that are not there; looks at names."""
    absent = []
    for session in (Path(corpus_dir) / f"Session{number}" for number in SESSIONS):
        parts = [session / "dialog" / "EmoEvaluation", session / "sentences" / "wav"]
        missing = [folder for folder in parts if not folder.is_dir()]
        absent += missing if session.is_dir() else [session]
    names = ", ".join(str(folder.relative_to(corpus_dir)) for folder in absent)
    return [f"{corpus_dir}: no folders {names}; {CURE}"] if absent else []


def read_session(folder: Path, session: int) -> list[Recording]:
    """The utterances of the four emotions in a session, whether their recordings are there or not."""
    labels = read_annotations(folder / "dialog" / "EmoEvaluation")
    words = read_transcriptions(folder / "dialog" / "transcriptions")
    recordings = []
    for name, label in sorted(labels.items()):
        dialog, _, last = name.rpartition("_")
        path = folder / "sentences" / "wav" / dialog / f"{name}.wav"
        speaker = f"{session}{last[0]}"
        recordings.append(
            Recording(
                id=f"{speaker}-{name}",
                speaker=speaker,
                words=words.get(name),
                path=path,
                gender=last[0].lower(),
                labels={"utt2emotion": EMOTIONS[label]},
            )
        )
    return recordings


def refuse_missing_recordings(corpus_dir: Path, sessions: dict[int, list[Recording]]) -> None:
    """Refuse a tree without some of the recordings that its annotations name.

    Raises:
        IemocapError: counts them by session, and names the first of each.
    """
    lines = []
    for session, recordings in sessions.items():
        if absent := [recording.path for recording in recordings if not recording.path.is_file()]:
            lines.append(f"{len(absent)} of session {session}, first {absent[0].relative_to(corpus_dir)}")
    if lines:
        raise IemocapError(f"{corpus_dir}: recordings are missing: {'; '.join(lines)}; {CURE}")


def read_annotations(folder: Path) -> dict[str, str]:
    """Utterance -> its label, of the labels that are kept; the files of single annotators lie in folders below."""
    labels = {}
    for name in names_in(folder):
        if name.endswith(".txt"):
            matches = (ANNOTATION.fullmatch(line.rstrip()) for _, line in read_lines(folder / name))
            labels |= {match[1]: match[2] for match in matches if match and match[2] in EMOTIONS}
    return labels


def read_transcriptions(folder: Path) -> dict[str, str]:
    """Utterance -> its words; empty where there is no folder."""
    words = {}
    for name in names_in(folder) if folder.is_dir() else ():
        if name.endswith(".txt"):
            matches = (TRANSCRIPT.fullmatch(line.rstrip()) for _, line in read_lines(folder / name))
            words |= {match[1]: words_of(match[2]) for match in matches if match}
    return words


def words_of(transcript: str) -> str:
    """The words of a transcript without its events, or the events, in brackets, where there is nothing else."""
    return plain_words(EVENT.sub(" ", transcript)) or " ".join(EVENT.findall(transcript.lower()))


def differences_of(sessions: dict[int, list[Recording]]) -> list[str]:
    """What is not as in published results: numbers by session and emotion, and by talker."""
    lines = []
    for session, recordings in sessions.items():
        counts = Counter(recording.labels["utt2emotion"] for recording in recordings)
        lines += [
            f"session {session} has {counts[emotion]} of {numbers[session - 1]} {emotion} ones"
            for emotion, numbers in OFFICIAL.items()
            if counts[emotion] != numbers[session - 1]
        ]
    talkers = Counter(recording.speaker for recordings in sessions.values() for recording in recordings)
    return lines + [
        f"talker {talker} has {talkers[talker]} of {number}"
        for talker, number in TALKERS.items()
        if talkers[talker] != number
    ]
