"""A small corpus generated on the spot: digit strings and commands by espeak-ng voices, 17 kinds of generated noise.

Every stage of a recipe can be tried on it anywhere, without a network. 56 speakers, each an English accent with
a voice variant, a speed and a pitch of its own; no variant is in two of the sets. Noise for training,
development and seen-type test are fresh instances of 13 types; 4 types are held out ("unseen"). The same seed
gives the same bytes.
"""

import argparse
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

import numpy as np

from nrsr.arguments import seed_number
from nrsr.corpora import espeak
from nrsr.corpora.datadirs import SAMPLE_RATE, Prepared, Utterance, write_noises, write_speech
from nrsr.corpora.digits import DIGITS, faint_noise, string_lengths
from nrsr.corpora.draws import deal, generator, shares
from nrsr.corpora.generated_noises import SEEN, UNSEEN, generated_noises
from nrsr.errors import NrsrError

# espeak-ng's English accents, by the name they have in speaker ids.
ACCENTS = {
    "us": "en-us",
    "gb": "en",
    "scot": "en-gb-scotland",
    "carib": "en-029",
    "nyc": "en-us-nyc",
    "rp": "en-gb-x-rp",
    "lanc": "en-gb-x-gbclan",
    "wmid": "en-gb-x-gbcwmd",
}
# Variants (vocal tracts) of each set, and how many accents each speaks with.
VARIANTS = {
    "train": "m1 f1 m2 f2 m3 f3 m4 Annie m5 linda m6 steph Andy adam Mike paul",
    "dev": "m7 f5 Alex Alicia",
    "test": "m8 f4 max aunty",
}
ACCENTS_EACH = {"train": 2, "dev": 2, "test": 4}
RATES = (8000, 16000, 22050)
SPEED = (140, 200)  # words per minute
PITCH = (30, 70)  # of 0 to 99; 50 is the variant's own

UTTERANCES = {
    "full": {"train": 1200, "dev": 100, "test": 400},
    "tiny": {"train": 60, "dev": 16, "test": 24},
}
DIGIT_SHARE = 0.6  # of the utterances; the others are commands
MARGIN = (0.05, 0.2)  # seconds of faint noise before and after
PEAK = (0.2, 0.7)

# Emotions of a kind: factors on the speed, on what is left of the pitch's range (down or up), and on the level.
EMOTIONS = {"neutral": (1.0, 0.0, 0.6), "happy": (1.15, 0.8, 0.8), "angry": (1.5, 0.3, 1.0), "sad": (0.65, -0.8, 0.3)}

ROOMS = ("kitchen", "bedroom", "garden")
COMMANDS = (
    *(f"turn {state} the {room} {thing}" for state, room, thing in product(("on", "off"), ROOMS, ("light", "heating"))),
    *(f"{verb} the {room} {thing}" for verb, room, thing in product(("open", "close"), ROOMS, ("door", "window"))),
    *("play music", "play the next song", "stop", "stop the music", "pause", "go back", "call home"),
    *("volume up", "volume down"),
)

INSTANCES = {
    "full": {"train": 6, "dev": 1, "seen": 2, "unseen": 6},
    "tiny": {"train": 1, "dev": 1, "seen": 1, "unseen": 1},
}
# Speakers of the babble: that of a test set contains neither its own speakers nor those of the training babble.
BABBLERS = {"train": "train", "dev": "train", "seen": "dev", "unseen": "dev"}


class MiniError(NrsrError):
    """The mini corpus cannot be generated."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder to write, the size, the rate and the seed."""
    parser.add_argument("--out", required=True, help="folder for the data directories")
    parser.add_argument("--size", choices=sorted(UTTERANCES), default="full", help="tiny is for trying things out")
    parser.add_argument(
        "--rate", type=int, choices=RATES, default=SAMPLE_RATE, help="Hz; espeak's own is 22050 (%(default)s)"
    )
    parser.add_argument("--isolated", action="store_true", help="single digits in place of strings and commands")
    parser.add_argument(
        "--emotions", action="store_true", help="speed, pitch and level that stand for four emotions (utt2emotion)"
    )
    parser.add_argument("--seed", type=seed_number, default=0)


def prepare(
    out: str | Path,
    size: str = "full",
    isolated: bool = False,
    seed: int = 0,
    rate: int = SAMPLE_RATE,
    emotions: bool = False,
) -> Prepared:
    """Write OUT/{train,dev,test}_clean and OUT/noise_{train,dev,seen,unseen}.

    Args:
        isolated: each utterance is a single digit.
        emotions: each speaker speaks in four ways in turn, which the list utt2emotion names.

    Raises:
        MiniError, espeak.EspeakError: espeak-ng is missing or does not work.
    """
    if problems := check():
        raise MiniError(problems[0])
    out, done = Path(out), Prepared(table=[f"mini, {size}, seed {seed}, {rate} Hz"])
    speech = {}
    for split, count in UTTERANCES[size].items():
        utterances = list(speak_split(split, count, seed, rate, isolated, emotions))
        done.table.append(write_speech(out / f"{split}_clean", utterances, rate))
        speech[split] = [utterance.wave for utterance in utterances]
    for name, instances in INSTANCES[size].items():
        kinds = UNSEEN if name == "unseen" else SEEN
        noises = generated_noises("mini", name, kinds, instances, speech[BABBLERS[name]], seed, rate)
        done.table.append(write_noises(out / f"noise_{name}", noises, rate))
    done.table += [f"seen types: {' '.join(SEEN)}", f"unseen types: {' '.join(UNSEEN)}"]
    return done


def check() -> list[str]:
    """What is missing to generate the corpus."""
    return espeak.check()


def speakers(split: str, seed: int) -> dict[str, espeak.Voice]:
    """Speaker id ("scot-m3") -> voice."""
    accents, voices = list(ACCENTS), {}
    for index, variant in enumerate(VARIANTS[split].split()):
        for step in range(ACCENTS_EACH[split]):
            accent = accents[(index * ACCENTS_EACH[split] + step) % len(accents)]
            speaker = f"{accent}-{variant.lower()}"
            rng = generator(seed, "mini", "voice", speaker)
            rate, pitch = (int(rng.integers(low, high + 1)) for low, high in (SPEED, PITCH))
            voices[speaker] = espeak.Voice(f"{ACCENTS[accent]}+{variant}", rate, pitch)
    return voices


def texts(count: int, rng: np.random.Generator, isolated: bool = False) -> list[str]:
    """`count` transcripts: digit strings of 1 to 7 digits, and commands of the closed grammar; or single digits."""
    if isolated:
        return list(islice(deal(DIGITS, rng), count))
    lengths, commands = string_lengths(rng), deal(COMMANDS, rng)
    kinds = rng.random(count) < DIGIT_SHARE
    return [" ".join(rng.choice(DIGITS, next(lengths))) if digits else next(commands) for digits in kinds]


def speak_split(
    split: str, count: int, seed: int, rate: int, isolated: bool = False, emotions: bool = False
) -> Iterator[Utterance]:
    """The utterances of one set, divided evenly between its speakers."""
    if emotions:
        yield from speak_emotions(split, count, seed, rate, isolated)
        return
    voices = speakers(split, seed)
    wanted = {}
    for speaker, share in zip(voices, shares(count, len(voices)), strict=True):
        wanted[speaker] = texts(share, generator(seed, "mini", "texts", speaker), isolated)
    requests = [(voices[speaker], lines, seed) for speaker, lines in wanted.items()]
    for (speaker, lines), waves in zip(wanted.items(), espeak.speak_all(requests, rate), strict=True):
        rng = generator(seed, "mini", "levels", speaker)
        for number, (words, wave) in enumerate(zip(lines, waves, strict=True), 1):
            yield Utterance(f"{speaker}-{number:04d}", speaker, words, place(wave, rng, rate))


def speak_emotions(split: str, count: int, seed: int, rate: int, isolated: bool) -> Iterator[Utterance]:
    """The utterances of one set, the emotions of each speaker in turn."""
    voices, names = speakers(split, seed), list(EMOTIONS)
    wanted: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for first, (speaker, share) in enumerate(zip(voices, shares(count, len(voices)), strict=True)):
        for number, words in enumerate(texts(share, generator(seed, "mini", "texts", speaker), isolated), 1):
            wanted.setdefault((speaker, names[(first + number) % len(names)]), []).append((number, words))
    requests = [
        (emotional(voices[speaker], emotion), [words for _, words in lines], seed)
        for (speaker, emotion), lines in wanted.items()
    ]
    for ((speaker, emotion), lines), waves in zip(wanted.items(), espeak.speak_all(requests, rate), strict=True):
        rng, (_, _, level) = generator(seed, "mini", "levels", speaker, emotion), EMOTIONS[emotion]
        for (number, words), wave in zip(lines, waves, strict=True):
            placed = place(wave, rng, rate) * np.float32(level)
            yield Utterance(f"{speaker}-{number:04d}", speaker, words, placed, {"utt2emotion": emotion})


def emotional(voice: espeak.Voice, emotion: str) -> espeak.Voice:
    """A voice in the way that stands for an emotion."""
    speed, raised, _ = EMOTIONS[emotion]
    room = 99 - voice.pitch if raised > 0 else voice.pitch
    return espeak.Voice(voice.name, round(voice.rate * speed), voice.pitch + round(raised * room))


def place(wave: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    """Set the peak level, and surround the speech with faint noise; float32 [T]."""
    wave = wave * np.float32(rng.uniform(*PEAK) / np.abs(wave).max())
    return np.concatenate([faint_noise(MARGIN, rate, rng), wave, faint_noise(MARGIN, rate, rng)])
