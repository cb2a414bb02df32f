"""Aurora-4: WSJ0 sentences in six kinds of noise through two microphones, with the official lists.

The folder holds lists/ and the audio that the lists name: headerless 16-bit big-endian samples at 16 kHz, .wv1 of the
first microphone and .wv2 of the second. Transcripts come from WSJ0. Utterances are called as in Kaldi's recipe: base
name in lower case and one character, 0 for clean and 1 for multi-condition training, 0 to 9 and a to d for the
fourteen development and test sets. The lists give the noise of a test set by its number. The multi-condition list
names it in the folders of its paths, as a whole word (street in street_16k/...); other paths are clean speech.
"""

import argparse
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nrsr.corpora.datadirs import Prepared
from nrsr.corpora.wsj_transcripts import find_transcripts
from nrsr.errors import NrsrError
from nrsr.kaldi.audio import audio_info
from nrsr.kaldi.contents import spk2utt_of, write_lists
from nrsr.kaldi.lists import WHITE, read_lines, read_list
from nrsr.progress import track

SAMPLE_RATE = 16000
CLEAN = "clean"
NOISES = ("airport", "babble", "car", "restaurant", "street", "train")  # in the order in which training sets get them
# Noise of the sets 01 to 07, and of 08 to 14 again, which are of the second microphone.
SET_NOISES = (CLEAN, "car", "babble", "restaurant", "street", "airport", "train")
SET_MARKS = "0123456789abcd"  # last characters of the utterances of sets 01 to 14
GROUPS = {"A": (1,), "B": range(2, 8), "C": (8,), "D": range(9, 15)}
DROPPED = "408o0302.wv2"  # of the multi-condition list, as in Kaldi's recipe; its .wv1 stays
TRAINING = {"train_clean": "training_clean_sennh_16k.list", "train_multi": "training_multicondition_16k.list"}
TESTED = {"dev_0330": "devtest{:02}_0330", "dev_1206": "devtest{:02}_1206"}
TESTED |= {"test_0166": "test{:02}_0166", "test_0330": "test{:02}_0330"}
OFFICIAL = {"train_clean": 7138, "train_multi": 7138, "dev_0330": 14 * 330, "dev_1206": 14 * 1206}
OFFICIAL |= {"test_0166": 14 * 166, "test_0330": 14 * 330}
CURE = "unpack Aurora-4 anew and give the folder that holds lists/ as --corpus-dir"
WSJ0_CURE = "give the folder of WSJ0 (LDC93S6A), which holds .dot files at any depth, as --wsj0-dir"


class Aurora4Error(NrsrError):
    """The corpus lacks files or transcripts, or its lists are not what they should be."""


@dataclass(frozen=True)
class Utterance:
    """One recording.

    Attributes:
        id: base name and mark of the condition; all but the last character are WSJ0's own name.
        noise: kind of noise, "clean", or None where it is unknown.
        original: the same sentence by the first microphone, without noise.
    """

    id: str
    path: Path
    noise: str | None
    original: str

    @property
    def sentence(self) -> str:
        """The utterance of WSJ0."""
        return self.id[:-1]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The corpus, WSJ0 for its transcripts, and what is known of the noise of train_multi."""
    parser.add_argument("--corpus-dir", required=True, help="Aurora-4, the folder that holds lists/")
    parser.add_argument("--wsj0-dir", required=True, help="WSJ0, for the transcripts")
    parser.add_argument("--noise-list", help="`utterance noise` lines for train_multi, if its paths name no noise")
    parser.add_argument("--out", required=True, help="folder for the data directories")


def prepare(
    corpus_dir: str | Path, wsj0_dir: str | Path, out: str | Path, noise_list: str | Path | None = None
) -> Prepared:
    """Write OUT/train_clean, train_multi, dev_0330, dev_1206, test_0166, test_0330 and the groups of them.

    test_A to test_D are the groups of test_0330: clean, noisy, and both by the second microphone. train_noises1 to
    train_noises6 are the clean utterances of train_multi with those in the first, the first two, ... of `NOISES`.
    Each has wav.scp (absolute paths), text, utt2spk, spk2utt, utt2dur, utt2noise, utt2mic (1 or 2) and utt2uniq (the
    parallel utterance without noise, by which alignments are copied).

    Raises:
        Aurora4Error: missing files (the first one named), lines that are not of the lists' form, missing transcripts.
        AudioError: a recording that cannot be read.
    """
    if problems := check(corpus_dir):
        raise Aurora4Error(problems[0])
    root, out = Path(corpus_dir).absolute(), Path(out)
    texts = find_transcripts(Path(wsj0_dir))
    if not texts:
        raise Aurora4Error(f"{wsj0_dir}: no .dot files with transcripts below it; {WSJ0_CURE}")
    done = Prepared(table=[f"Aurora-4, {SAMPLE_RATE} Hz"])
    noise_of = read_list(noise_list) if noise_list else None
    sets = {name: training_set(root, name, noise_of) for name in TRAINING}
    sets |= {name: numbered_sets(root, name, pattern) for name, pattern in TESTED.items()}
    for name, members in sets.items():
        check_members(root, name, members, texts, wsj0_dir)
        if len(members) != OFFICIAL[name]:
            done.notes.append(f"{name}: {len(members)} utterances; the official set has {OFFICIAL[name]}")
    durations = {name: durations_of(members, name) for name, members in sets.items()}
    for name, members in sets.items():
        for part, chosen in parts_of(name, members, done).items():
            write_set(out / part, chosen, texts, durations[name], done)
    return done


def check(corpus_dir: str | Path) -> list[str]:
    """Lists that the corpus lacks, a line each."""
    lists = Path(corpus_dir) / "lists"
    if not lists.is_dir():
        return [f"{lists}: no such folder; {CURE}"]
    names = [
        *TRAINING.values(),
        *(list_name(pattern, number) for pattern in TESTED.values() for number in range(1, 15)),
    ]
    return [f"{lists / name}: no such file; {CURE}" for name in names if not (lists / name).is_file()]


def list_name(pattern: str, number: int) -> str:
    """devtest01_0330_16k.list and the like."""
    return f"{pattern.format(number)}_16k.list"


def training_set(root: Path, name: str, noise_of: Mapping[str, str] | None) -> list[Utterance]:
    """The utterances of a training list.

    Args:
        noise_of: utterance -> noise, where the user gives it.
    """
    file, is_clean = TRAINING[name], name == "train_clean"
    members = []
    for line in listed(root, file):
        base = base_of(line, root, file)
        if is_clean:
            members.append(Utterance(f"{base}0", root / line, CLEAN, f"{base}0"))
        elif Path(line).name.lower() != DROPPED:
            noise = noise_of.get(f"{base}1", noise_of.get(base)) if noise_of else noise_in(line)
            members.append(Utterance(f"{base}1", root / line, noise, f"{base}0"))
    if not is_clean and all(member.noise == CLEAN for member in members):
        members = [Utterance(member.id, member.path, None, member.original) for member in members]
    return members


def noise_in(line: str) -> str:
    """The noise that the folders of a path name as a whole word, "clean" where they name none.

    Raises:
        Aurora4Error: they name two.
    """
    words = {word for folder in Path(line).parts[:-1] for word in re.split("[^a-z]+", folder.lower())}
    noises = words.intersection(NOISES)
    if len(noises) > 1:
        raise Aurora4Error(f"{line}: the path names {' and '.join(sorted(noises))}; give the noise by --noise-list")
    return noises.pop() if noises else CLEAN


def numbered_sets(root: Path, name: str, pattern: str) -> list[Utterance]:
    """The utterances of the fourteen sets together."""
    members = []
    for number in range(1, 15):
        file, mark, noise = list_name(pattern, number), SET_MARKS[number - 1], SET_NOISES[(number - 1) % 7]
        for line in listed(root, file):
            base = base_of(line, root, file)
            path = root / (below_dev(line, file) if name.startswith("dev") else line)
            members.append(Utterance(base + mark, path, noise, f"{base}0"))
    return members


def listed(root: Path, file: str) -> list[str]:
    """The paths of a list, without what surrounds them.

    Raises:
        ListError: the list is not UTF-8.
        Aurora4Error: it is empty.
    """
    lines = [line.strip(WHITE).lstrip("/") for _, line in read_lines(root / "lists" / file) if line.strip(WHITE)]
    if not lines:
        raise Aurora4Error(f"{root / 'lists' / file}: has no lines; {CURE}")
    return lines


def base_of(line: str, root: Path, file: str) -> str:
    """011c0201 of .../011C0201.wv1."""
    match = re.fullmatch(r"([0-9a-z]{4,})\.wv[12]", Path(line).name.lower())
    if match is None:
        raise Aurora4Error(f"{root / 'lists' / file}: {line!r} is no path of a .wv1 or .wv2 file; {CURE}")
    return match[1]


def below_dev(line: str, file: str) -> str:
    """The path of a development recording: dev_0330_16k.../x.wv1 lies in dev0330_16k/."""
    fields = line.split("/")[0].split("_")
    if len(fields) < 3:
        raise Aurora4Error(f"lists/{file}: {line!r} does not begin with a folder such as dev_0330_16k; {CURE}")
    return f"{fields[0]}{fields[1]}_{fields[2]}/{line}"


def check_members(root: Path, name: str, members: list[Utterance], texts: Mapping[str, str], wsj0: str | Path) -> None:
    """Refuse utterances twice, without audio, without words, or with a noise that nobody knows.

    Raises:
        Aurora4Error: counted, the first one named.
    """
    seen: dict[str, Path] = {}
    for member in members:
        if seen.setdefault(member.id, member.path) is not member.path:
            raise Aurora4Error(f"{root}/lists: {name} has {member.sentence} twice: {seen[member.id]}, {member.path}")
        if member.noise not in (None, CLEAN, *NOISES):
            raise Aurora4Error(f"{member.id}: noise {member.noise!r} is none of {CLEAN}, {', '.join(NOISES)}")
    if absent := [member.path for member in members if not member.path.is_file()]:
        raise Aurora4Error(f"{absent[0]}: no such file ({len(absent)} of {len(members)} of {name} are missing); {CURE}")
    if lacking := [member.sentence for member in members if not texts.get(member.sentence)]:
        raise Aurora4Error(
            f"{wsj0}: no transcript of {len(lacking)} utterances of {name}, first {lacking[0]}; {WSJ0_CURE}"
        )


def durations_of(members: list[Utterance], name: str) -> dict[str, float]:
    """Seconds of each utterance."""
    return {
        member.id: audio_info(member.path, rate=SAMPLE_RATE)[0] / SAMPLE_RATE
        for member in track(members, f"looking at {name}")
    }


def parts_of(name: str, members: list[Utterance], done: Prepared) -> dict[str, list[Utterance]]:
    """Data directory -> its utterances: all of a set, and the parts of it that have directories of their own."""
    parts = {name: members}
    if name == "test_0330":
        for group, numbers in GROUPS.items():
            marks = {SET_MARKS[number - 1] for number in numbers}
            parts[f"test_{group}"] = [member for member in members if member.id[-1] in marks]
    if name != "train_multi":
        return parts
    if unknown := sum(member.noise is None for member in members):
        done.notes.append(
            f"train_multi: the noise of {unknown} utterances is unknown, so utt2noise lacks them and train_noises1 "
            "to 6 are not written; give --noise-list FILE"
        )
        return parts
    for count in range(1, len(NOISES) + 1):
        wanted = {CLEAN, *NOISES[:count]}
        parts[f"train_noises{count}"] = [member for member in members if member.noise in wanted]
    return parts


def write_set(
    folder: Path,
    members: Iterable[Utterance],
    texts: Mapping[str, str],
    seconds: Mapping[str, float],
    done: Prepared,
) -> None:
    """Write one data directory and its line of the table."""
    by_id = {member.id: member for member in members}
    speakers = {name: name[:3] for name in by_id}
    noises = {name: member.noise for name, member in by_id.items() if member.noise is not None}
    lists = {
        "wav.scp": {name: member.path for name, member in by_id.items()},
        "text": {name: texts[member.sentence] for name, member in by_id.items()},
        "utt2spk": speakers,
        "spk2utt": spk2utt_of(speakers),
        "utt2dur": {name: f"{seconds[name]:.6f}" for name in by_id},
        "utt2mic": {name: member.path.suffix[-1] for name, member in by_id.items()},
        "utt2uniq": {name: member.original for name, member in by_id.items()},
        **({"utt2noise": noises} if noises else {}),
    }
    write_lists(folder, lists)
    kinds = len(set(noises.values()) - {CLEAN})
    hours = sum(seconds[name] for name in by_id) / 3600
    done.table.append(
        f"{folder.name:<14}{len(by_id):>6} utterances {len(set(speakers.values())):>4} speakers {hours:>6.2f} h"
        f" {kinds:>2} kinds of noise"
    )
