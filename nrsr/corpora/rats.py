"""RATS: telephone speech sent over radio. Prepared transcribed directories, or the speech activity corpus LDC2015S02.

--prepared-dir DIR holds data directories train, dev and test as the gradient-remedy experiments used them: noisy
wav.scp, text, utt2spk, perhaps segments, and spk1.scp with the parallel clean speech, which train must have. They are
checked and copied, and serve the whole recipe.

--corpus-dir LDC2015S02 gives train, dev-1 and dev-2 with the stretches of speech of one channel, and the same
stretches of the source audio as parallel clean speech, both at 8 kHz (the corpus holds 8 kHz speech in 16 kHz files).
It has no transcripts, so there is no text: that serves enhancement, or as audio for one's own transcripts.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.rats_tables import NAME, files_of, read_table, shift_between
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import read_audio
from nrsr.kaldi.contents import Contents, spk2utt_of, write_lists
from nrsr.kaldi.lists import read_list
from nrsr.kaldi.streams import is_pipe
from nrsr.kaldi.tables import WaveWriter
from nrsr.kaldi.validate import validate
from nrsr.progress import track

SAMPLE_RATE = 8000
PARTITIONS = ("train", "dev-1", "dev-2")
PREPARED = ("train", "dev", "test")
SECONDS = (0.1, 30.0)  # utterances outside are left out, as in the gradient-remedy experiments
CURE = "copy LDC2015S02 anew and give the folder that holds data/ as --corpus-dir"


class RatsError(NrsrError):
    """The corpus or the prepared directories are incomplete or broken."""


@dataclass
class Counts:
    """Numbers of the stretches of speech of one partition, by what was done with them."""

    written: int = 0
    clean: int = 0
    seconds: float = 0.0
    left_out: int = 0
    unaligned: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Data directories with transcripts, or the LDC's corpus and the radio channel to take."""
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--prepared-dir", help="folder of the data directories train, dev and test, with transcripts")
    given.add_argument("--corpus-dir", help="LDC2015S02, the folder that holds data/; it has no transcripts")
    parser.add_argument("--out", required=True, help="folder for the data directories")
    parser.add_argument("--channel", choices="ABCDEFGH", default="A", help="radio channel of LDC2015S02    (A)")


def prepare(
    out: str | Path, corpus_dir: str | Path | None = None, prepared_dir: str | Path | None = None, channel: str = "A"
) -> Prepared:
    """Write OUT/{train,dev,test} from prepared directories, or OUT/{train,dev-1,dev-2} from LDC2015S02.

    Raises:
        RatsError: a missing file (the first one named), or what is wrong with a prepared directory.
        RatsTableError, AudioError: an annotation or recording that cannot be read.
    """
    if prepared_dir is not None:
        return copy_prepared(Path(prepared_dir), Path(out))
    if problems := check_corpus(Path(corpus_dir)):
        raise RatsError(problems[0])
    data = Path(corpus_dir) / "data"
    sessions = {partition: sessions_of(data / partition, channel) for partition in PARTITIONS}
    done = Prepared(table=[f"RATS (LDC2015S02), channel {channel}, {SAMPLE_RATE} Hz, no transcripts"])
    for partition, members in sessions.items():
        counts = write_partition(Path(out) / partition, members)
        done.table.append(
            f"{partition:<6}{counts.written:>7} utterances {counts.seconds / 3600:>7.2f} h of {len(members)} "
            f"recordings, {counts.clean} with parallel clean speech"
        )
        if counts.left_out:
            low, high = SECONDS
            done.notes.append(f"{partition}: {counts.left_out} stretches are not of {low} to {high:g} s and left out")
        if counts.unaligned:
            done.notes.append(
                f"{partition}: {len(counts.unaligned)} recordings get no clean speech, since their tables do not say "
                f"how they lie in time to the source, first {counts.unaligned[0]}"
            )
    done.notes.append("LDC2015S02 has no transcripts: recognisers need --prepared-dir")
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """What is wrong with LDC2015S02, or with a folder of prepared directories; looks at names alone."""
    folder = Path(corpus_dir)
    if (folder / "data").is_dir():
        return check_corpus(folder)
    files = [folder / name / file for name in PREPARED for file in ("wav.scp", "text", "utt2spk")]
    files.append(folder / "train" / "spk1.scp")
    cure = "give a folder of the prepared data directories train, dev and test"
    return [f"{file}: no such file; {cure}" for file in files if not file.is_file()]


def check_corpus(folder: Path) -> list[str]:
    """Folders that the LDC's corpus lacks, a line each with the cure."""
    needed = [folder / "data" / partition / kind for partition in PARTITIONS for kind in ("audio", "sad")]
    return [f"{path}: no such folder; {CURE}" for path in needed if not path.is_dir()]


def copy_prepared(folder: Path, out: Path) -> Prepared:
    """Validate train, dev and test, and copy their lists; audio stays where it is."""
    loaded = {}
    for name in PREPARED:
        need = ("wav.scp", "text", "utt2spk", "spk2utt", *(["spk1.scp"] if name == "train" else []))
        for scp in ("wav.scp", "spk1.scp"):
            if (folder / name / scp).is_file() and any(map(is_pipe, read_list(folder / name / scp).values())):
                raise RatsError(f"{folder / name / scp}: entries are commands; write their output to files first")
        if problems := validate(folder / name, need=need):
            raise RatsError(f"{folder / name}: {len(problems)} things are wrong, first: {problems[0]}")
        loaded[name] = Contents.load(folder / name)
    done = Prepared(table=["RATS, prepared directories"])
    for name, contents in loaded.items():
        contents.write(out / name)
        clean = len(contents.lists.get("spk1.scp", ()))
        done.table.append(f"{name:<6}{len(contents.utterances):>7} utterances, {clean} entries of clean speech")
    return done


@dataclass(frozen=True)
class Session:
    """A recording of the channel and the source audio that was sent, each with its annotation."""

    name: str
    audio: Path
    table: Path
    source_audio: Path
    source_table: Path


def sessions_of(partition: Path, channel: str) -> list[Session]:
    """All recordings of a channel in a partition.

    Raises:
        RatsError: a recording without annotation, an annotation without recording, a missing source; or none at all.
    """
    audio, tables = (files_of(partition / kind, end, channel) for kind, end in (("audio", "flac"), ("sad", "tab")))
    sources = [files_of(partition / kind, end, "src") for kind, end in (("audio", "flac"), ("sad", "tab"))]
    by_source = [{name[:5]: path for name, path in files.items()} for files in sources]
    if not audio and not tables:
        raise RatsError(f"{partition}: no recordings of channel {channel}; {CURE}")
    sessions = []
    for name in sorted(audio.keys() | tables.keys()):
        source = f"{name[:5]}_{NAME.fullmatch(name)['language']}_src"
        paths = (audio.get(name), tables.get(name), *(files.get(name[:5]) for files in by_source))
        wanted = (f"audio/**/{name}.flac", f"sad/**/{name}.tab", f"audio/**/{source}.flac", f"sad/**/{source}.tab")
        for path, missing in zip(paths, wanted, strict=True):
            if path is None:
                raise RatsError(f"{partition}/{missing}: no such file; {CURE}")
        sessions.append(Session(name, *paths))
    return sessions


def write_partition(folder: Path, sessions: list[Session]) -> Counts:
    """Write wav.ark, wav.scp, clean.ark, spk1.scp, utt2spk (the source), spk2utt, utt2dur and utt2lang."""
    counts, durations = Counts(), {}
    with (
        WaveWriter(folder / "wav.ark", folder / "wav.scp", SAMPLE_RATE) as noisy,
        WaveWriter(folder / "clean.ark", folder / "spk1.scp", SAMPLE_RATE) as clean,
    ):
        for session in track(sessions, f"cutting {folder.name}"):
            for name, part, source in stretches_of(session, counts):
                noisy[name] = part
                durations[name] = len(part) / SAMPLE_RATE
                if source is not None:
                    clean[name] = source
        counts.written, counts.clean = len(noisy.entries), len(clean.entries)
    counts.seconds = sum(durations.values())
    audio = {"wav.scp": noisy.entries, **({"spk1.scp": clean.entries} if clean.entries else {})}
    write_lists(folder, {**audio, **lists_of(durations)})
    if not counts.clean:
        (folder / "clean.ark").unlink()
    return counts


def stretches_of(session: Session, counts: Counts) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """Utterance, its samples [T], and as many of the source from the same moment, for each row S of a recording."""
    rows = read_table(session.table)
    shift = shift_between(read_table(session.source_table), rows)
    if shift is None:
        counts.unaligned.append(session.name)
    wave = read_8k(session.audio)
    source = None if shift is None else read_8k(session.source_audio)
    for row in rows:
        if row.label != "S":
            continue
        if not SECONDS[0] <= row.end - row.start <= SECONDS[1]:
            counts.left_out += 1
            continue
        part = wave[round(row.start * SAMPLE_RATE) : round(row.end * SAMPLE_RATE)]
        if not len(part):
            raise RatsError(f"{session.table}: speech at {row.start} s is behind the end of its audio; {CURE}")
        clean = None
        if source is not None:
            begin = round((row.start - shift) * SAMPLE_RATE)
            clean = source[begin : begin + len(part)] if 0 <= begin <= len(source) - len(part) else None
        yield f"{session.name}-{round(1000 * row.start):07d}-{round(1000 * row.end):07d}", part, clean


def lists_of(durations: dict[str, float]) -> dict[str, dict[str, str]]:
    """utt2dur, utt2lang, utt2spk and spk2utt of utterances with these durations (s)."""
    speakers = {name: name[:5] for name in durations}
    return {
        "utt2dur": {name: f"{seconds:.6f}" for name, seconds in durations.items()},
        "utt2lang": {name: name.split("_")[2] for name in durations},
        "utt2spk": speakers,
        "spk2utt": spk2utt_of(speakers),
    }


def read_8k(path: Path) -> np.ndarray:
    """Samples [T] at 8 kHz; resampling overshoots at peaks that reach full scale, which 16 bits cannot hold."""
    wave, _ = read_audio(path, rate=SAMPLE_RATE, resample=True)
    return np.clip(wave, -1.0, 1.0)
