"""CHiME-4, single-channel track: WSJ0 sentences on a bus, in cafés, pedestrian areas and at street junctions.

Training recordings are those of data/audio/16kHz/isolated, one utterance for each channel (all six in the usual
recipes); development and test recordings those of isolated_1ch_track. The text of tr05_simu is WSJ0's own.

Parallel clean speech (spk1.scp) exists for simulated utterances alone; real ones have a close-talking microphone,
which is not parallel. Exact are the files *.CHn.Clean.wav that the challenge's simulation tool, patched to write
them, leaves in data/audio/16kHz/isolated_ext; they are taken for training where they are. The corpus itself ships
what the simulation started from, before it changed level, microphone response and delay: isolated/tr05_org and, for
dt05 and et05, the booth recordings isolated/{dt05,et05}_bth (channel 0).
"""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.files import names_in
from nrsr.corpora.wsj_transcripts import find_transcripts, read_dot
from nrsr.datadirs.combine import combine
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import audio_info
from nrsr.kaldi.contents import spk2utt_of, write_lists
from nrsr.progress import track

SAMPLE_RATE = 16000
ENVIRONMENTS = ("BUS", "CAF", "PED", "STR")
CHANNELS = (1, 2, 3, 4, 5, 6)
# Utterances of each set; those of tr05 count once for each channel.
OFFICIAL = {
    "tr05_simu": 7138,
    "tr05_real": 1600,
    "dt05_simu": 1640,
    "dt05_real": 1640,
    "et05_simu": 1320,
    "et05_real": 1320,
}
CURE = "unpack CHiME-4 (all of CHiME4_*.zip) anew and give the folder that holds data/ as --corpus-dir"
WSJ0_CURE = "give the folder of WSJ0 (LDC93S6A), which holds .dot files at any depth, as --wsj0-dir"


class Chime4Error(NrsrError):
    """The corpus lacks files or transcripts, or its audio is not what it should be."""


@dataclass(frozen=True)
class Utterance:
    """One recording of one channel; `clean` is parallel clean speech, which may not be there."""

    id: str
    speaker: str
    environment: str
    words: str
    path: Path
    clean: Path | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus, WSJ0 if it is elsewhere, and the microphones to train on."""
    parser.add_argument("--corpus-dir", required=True, help="CHiME-4, the folder that holds data/")
    parser.add_argument("--wsj0-dir", help="WSJ0, for the text of tr05_simu    (CORPUS_DIR/data/WSJ0)")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    parser.add_argument(
        "--channels", type=channel_list, default=CHANNELS, help="microphones to train on    (1,2,3,4,5,6)"
    )


def channel_list(text: str) -> tuple[int, ...]:
    """(1, 5) of "1,5"; microphone 0 is the close-talking one and not of this track."""
    if not re.fullmatch("[1-6](,[1-6])*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of channels 1 to 6 such as 1,3,5")
    return tuple(sorted({int(number) for number in text.split(",")}))


def prepare(
    corpus_dir: str | Path, out: str | Path, wsj0_dir: str | Path | None = None, channels: tuple[int, ...] = CHANNELS
) -> Prepared:
    """Write OUT/{tr05,dt05,et05}_{simu,real} and OUT/tr05, both kinds of training data together.

    Each has wav.scp (absolute paths into the corpus), text, utt2spk, spk2utt, utt2dur, utt2noise (the environment)
    and, if simulated, spk1.scp.

    Raises:
        Chime4Error: missing files (the first one named), an utterance without words, another rate than 16 kHz.
        TranscriptError, AudioError: a file that cannot be read.
    """
    if problems := check(corpus_dir):
        raise Chime4Error(problems[0])
    data, out = Path(corpus_dir).absolute() / "data", Path(out)
    wsj0 = Path(wsj0_dir) if wsj0_dir else data / "WSJ0"
    sets = {name: list(utterances(data, name, wsj0, channels)) for name in OFFICIAL}
    done = Prepared(
        table=[f"CHiME-4, single-channel track, {SAMPLE_RATE} Hz, training channels {', '.join(map(str, channels))}"]
    )
    for name, members in sets.items():
        write_set(out / name, members, done)
        count = len({(u.environment, u.path.name.split(".")[0]) for u in members})
        if count != OFFICIAL[name]:
            done.notes.append(f"{name}: {count} utterances; the official set has {OFFICIAL[name]}")
        unknown = left_over(data, name, members)
        if unknown:
            done.notes.append(f"{name}: {len(unknown)} recordings without transcript are left out, first {unknown[0]}")
    done.notes += combine([out / "tr05_simu", out / "tr05_real"], out / "tr05")
    done.table.append(f"{'tr05':<10}{len(sets['tr05_simu']) + len(sets['tr05_real']):>6} utterances, simu and real")
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """Folders and transcripts that the corpus should have and has not, a line each; looks at names alone."""
    data = Path(corpus_dir) / "data"
    if not data.is_dir():
        return [f"{data}: no such folder; {CURE}"]
    folders = [folder_of(data, name, environment) for name in OFFICIAL for environment in ENVIRONMENTS]
    files = [transcripts_of(data, name) for name in OFFICIAL if name != "tr05_simu"]
    problems = [f"{folder}: no such folder; {CURE}" for folder in folders if not folder.is_dir()]
    return problems + [f"{file}: no such file; {CURE}" for file in files if not file.is_file()]


def folder_of(data: Path, name: str, environment: str) -> Path:
    """The audio of a set (tr05_simu) in one environment."""
    tree = "isolated" if name.startswith("tr05") else "isolated_1ch_track"
    split, kind = name.split("_")
    return data / "audio" / "16kHz" / tree / f"{split}_{environment.lower()}_{kind}"


def transcripts_of(data: Path, name: str) -> Path:
    """The file with the transcripts of a set, such as et05_real."""
    return data / "transcriptions" / f"{name}.dot_all"


def utterances(data: Path, name: str, wsj0: Path, channels: tuple[int, ...]) -> Iterator[Utterance]:
    """All recordings of a set, in order of their names; each is there and has words."""
    split, kind = name.split("_")
    texts = simulated_texts(data, wsj0) if name == "tr05_simu" else read_dot(transcripts_of(data, name))
    present = {environment: wavs_in(folder_of(data, name, environment)) for environment in ENVIRONMENTS}
    for key in sorted(texts):
        match = re.fullmatch(rf"([^_]+)_([^_]+)_({'|'.join(ENVIRONMENTS)})", key)
        if match is None:
            source = transcripts_of(data, name)
            raise Chime4Error(f"{source}: utterance {key!r} is not of the form SPEAKER_SENTENCE_ENVIRONMENT; {CURE}")
        speaker, sentence, environment = match.groups()
        if not texts[key]:
            source = wsj0 if name == "tr05_simu" else transcripts_of(data, name)
            raise Chime4Error(f"{source}: utterance {key!r} has an empty transcript; restore it from the corpus")
        for channel in channels if split == "tr05" else [None]:
            end = "" if channel is None else f".CH{channel}"
            path = folder_of(data, name, environment) / f"{key}{end}.wav"
            if path.name not in present[environment]:
                raise Chime4Error(f"{path}: no such file; {CURE}")
            who = speaker if channel is None else f"{speaker}_CH{channel}"
            clean = None if kind == "real" else clean_of(data, split, path, f"{speaker}_{sentence}")
            yield Utterance(
                f"{who}_{sentence}_{environment}{end}_{kind.upper()}", who, environment, texts[key], path, clean
            )


def simulated_texts(data: Path, wsj0: Path) -> dict[str, str]:
    """SPEAKER_SENTENCE_ENVIRONMENT of the simulated training recordings -> words, by the sentence from WSJ0.

    Raises:
        Chime4Error: no WSJ0, or a sentence that it lacks.
    """
    if not wsj0.is_dir():
        raise Chime4Error(f"{wsj0}: no such folder, but tr05_simu has its text from WSJ0; {WSJ0_CURE}")
    known = find_transcripts(wsj0)
    if not known:
        raise Chime4Error(f"{wsj0}: no .dot files with transcripts below it; {WSJ0_CURE}")
    texts, lacking = {}, []
    for environment in ENVIRONMENTS:
        for file in sorted(wavs_in(folder_of(data, "tr05_simu", environment))):
            key = file.split(".")[0]
            sentence = key.split("_")[1].lower() if key.count("_") == 2 else ""
            texts[key] = known.get(sentence, "")
            if sentence not in known:
                lacking.append(key)
    if lacking:
        raise Chime4Error(
            f"{wsj0}: no transcript of {len(set(lacking))} utterances of tr05_simu, first {lacking[0]}; {WSJ0_CURE}"
        )
    return texts


def clean_of(data: Path, split: str, path: Path, sentence: str) -> Path:
    """Where the clean speech parallel to a simulated recording would lie."""
    audio = data / "audio" / "16kHz"
    if split != "tr05":
        return audio / "isolated" / f"{split}_bth" / f"{sentence}_BTH.CH0.wav"
    exact = audio / "isolated_ext" / path.parent.name
    return (
        exact / f"{path.stem}.Clean.wav" if exact.is_dir() else audio / "isolated" / "tr05_org" / f"{sentence}_ORG.wav"
    )


def wavs_in(folder: Path) -> set[str]:
    """Names of the WAVs in a folder."""
    return {name for name in names_in(folder) if name.endswith(".wav")}


def left_over(data: Path, name: str, members: list[Utterance]) -> list[str]:
    """Recordings of a set that no transcript names; other channels of known utterances are none."""
    known = {utterance.path.name.split(".")[0] for utterance in members}
    files = (wavs_in(folder_of(data, name, environment)) for environment in ENVIRONMENTS)
    return sorted(file for names in files for file in names if file.split(".")[0] not in known)


def write_set(folder: Path, members: list[Utterance], done: Prepared) -> None:
    """Write one data directory; adds its line to the table, and to the notes what has no clean speech."""
    samples = {}
    for utterance in track(members, f"looking at {folder.name}"):
        samples[utterance.id], rate = audio_info(str(utterance.path))
        if rate != SAMPLE_RATE:
            raise Chime4Error(f"{utterance.path}: has {rate} Hz instead of {SAMPLE_RATE}; {CURE}")
    clean, problems = {}, []
    for utterance in members:
        if utterance.clean is None:
            continue
        problem = problem_of_clean(utterance.clean, samples[utterance.id])
        if problem:
            problems.append(f"{utterance.clean}: {problem}")
        else:
            clean[utterance.id] = str(utterance.clean)
    speakers = {u.id: u.speaker for u in members}
    lists = {
        "wav.scp": {u.id: u.path for u in members},
        "text": {u.id: u.words for u in members},
        "utt2noise": {u.id: u.environment for u in members},
        "utt2dur": {name: f"{count / SAMPLE_RATE:.6f}" for name, count in samples.items()},
        "utt2spk": speakers,
        "spk2utt": spk2utt_of(speakers),
        **({"spk1.scp": clean} if clean else {}),
    }
    write_lists(folder, lists)
    if problems:
        done.notes.append(f"{folder.name}: {len(problems)} utterances without clean speech, first {problems[0]}")
    hours = sum(samples.values()) / SAMPLE_RATE / 3600
    done.table.append(
        f"{folder.name:<10}{len(members):>6} utterances {len({u.id.split('_')[0] for u in members}):>4} speakers "
        f"{hours:>6.2f} h, {len(clean)} with parallel clean speech"
    )


def problem_of_clean(path: Path, samples: int) -> str | None:
    """Why a file does not serve as parallel clean speech of so many samples."""
    if not path.is_file():
        return "no such file"
    count, rate = audio_info(str(path))
    if (count, rate) != (samples, SAMPLE_RATE):
        return f"{count} samples at {rate} Hz beside {samples} noisy ones at {SAMPLE_RATE} Hz"
    return None
