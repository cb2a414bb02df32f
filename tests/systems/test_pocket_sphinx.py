"""The recogniser from the shelf: its grammars, spelling, independence of utterances, real digits, and refusals."""

import sys

import numpy as np
import pytest

from nrsr.config import ConfigError, load_yaml
from nrsr.kaldi import read_audio, read_list, write_list
from nrsr.kaldi.arpa import LanguageModelError
from nrsr.packages import PackageError
from nrsr.systems import LossError, build_system
from nrsr.systems.pocket_sphinx import grammar_of, words_of

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def make(rate=8000, **options):
    try:
        return build_system(
            {"sample_rate": rate, "system": {"class": "nrsr.systems.PocketSphinx", "words": DIGITS} | options}
        )
    except PackageError as error:
        pytest.skip(str(error))


def recognise(system, waves):
    return system.infer(waves, ["text"])["text"]


@pytest.fixture(scope="module")
def recordings(shared_data):
    """Word and waveform of twenty digits of two speakers, by file name."""
    return {
        f"{digit}_{who}_2": (DIGITS[digit], read_audio(shared_data / "fsdd" / "recordings" / f"{digit}_{who}_2.wav")[0])
        for digit in range(10)
        for who in ("jackson", "george")
    }


def test_the_words_of_a_grammar():
    assert words_of(grammar_of(["Yes", "no"], loop=True)) == ["Yes", "no"]
    grammar = """#JSGF V1.0 UTF-8;
        // go nowhere
        grammar lights; import <other.rule>;
        /* several
           lines */
        public <command> = /0.7/ <verb> (the | a)* lights {tag of it} [please] | /1e-2/ stop+;
        <verb> = turn | Switch;
    """
    assert words_of(grammar) == ["the", "a", "lights", "please", "stop", "turn", "Switch"]


def test_digits_are_recognised_each_by_itself(recordings):
    words, waves = zip(*recordings.values(), strict=True)
    system = make()
    said = recognise(system, waves)
    assert sum(one == other for one, other in zip(said, words, strict=True)) >= 12
    assert recognise(system, waves[::-1])[::-1] == said
    assert recognise(system, waves[3:4]) == said[3:4]
    assert set(recognise(system, [waves[0][:1], waves[0][:50], np.zeros(4000, np.float32)])) <= {"", *DIGITS}


def test_spelling_is_that_of_the_words_or_upper_case(recordings):
    waves = [recordings[name][1] for name in ("1_jackson_2", "5_george_2", "9_george_2")]
    said = recognise(make(), waves)
    assert recognise(make(words=[word.title() for word in DIGITS]), waves) == [word.title() for word in said]
    assert recognise(make(upper=True), waves) == [word.upper() for word in said]


def test_a_grammar_file_and_a_loop(recordings, tmp_path):
    waves = [wave for _, wave in recordings.values()][:8]
    for loop in (False, True):
        (tmp_path / "digits.jsgf").write_text(grammar_of(DIGITS, loop))
        said = recognise(make(loop=loop), waves)
        assert recognise(make(words=None, grammar=str(tmp_path / "digits.jsgf")), waves) == said
    long = np.concatenate([np.pad(wave, 2000) for wave in waves[:4]])
    counts = [len(recognise(make(loop=True, wip=wip), [long])[0].split()) for wip in (1.0, 1e-3, 1e-9)]
    assert counts[0] >= counts[1] > counts[2]


def test_an_ngram_model(recordings, tmp_path, nrsr_main):
    """It is one of sentences of two words, each digit after its own; the case of its words stays."""
    sentences = {f"{number}": f"{word} {word}".upper() for number, word in enumerate(DIGITS)}
    write_list(tmp_path / "text", sentences)
    status, _, err = nrsr_main("make-lm", "--order", 2, tmp_path / "text", tmp_path / "lm.arpa.gz")
    assert status == 0, err
    system = make(words=None, arpa=str(tmp_path / "lm.arpa.gz"))
    waves = [np.tile(np.pad(recordings[f"{digit}_george_2"][1], 1200), 2) for digit in (3, 6)]
    said = recognise(system, waves)
    assert all(word in map(str.upper, DIGITS) for text in said for word in text.split()) and any(said)


def test_applied_to_a_data_directory_by_its_config(recordings, tmp_path, root, nrsr_main, shared_data):
    config = root / "utils" / "conf" / "asr" / "pocketsphinx_digits.yaml"
    settings = load_yaml(config)["system"]
    folder = shared_data / "fsdd" / "recordings"
    write_list(tmp_path / "data" / "wav.scp", {name: str(folder / f"{name}.wav") for name in recordings})
    status, printed, err = nrsr_main(
        "apply", "--config", config, "--data", tmp_path / "data", "--out", tmp_path / "out"
    )
    assert status == 0, err
    said = read_list(tmp_path / "out" / "text", allow_empty_values=True)
    assert said.keys() == recordings.keys() and "20 utterances, real-time factor" in printed
    assert list(said.values()) == recognise(make(**settings), [recordings[name][1] for name in said])


def test_sentences_are_recognised_by_the_model_of_the_package(root, shared_data):
    settings = load_yaml(root / "utils" / "conf" / "asr" / "pocketsphinx.yaml")["system"]
    wave, rate = read_audio(shared_data / "ravdess" / "Actor_03" / "03-01-01-01-01-01-03.wav")
    text = recognise(make(rate, **{"words": None} | settings), [wave])[0]
    assert "talking by the door" in text  # kids are talking by the door


def test_what_does_not_fit_is_refused(tmp_path):
    make()  # skips where the package is missing
    broken = tmp_path / "broken.jsgf"
    broken.write_text("#JSGF V1.0;\ngrammar g;\npublic <s> = one | (;\n")
    empty = tmp_path / "empty.jsgf"
    empty.write_text("#JSGF V1.0;\n")
    (tmp_path / "broken.arpa").write_text("\\data\\\nngram 1=x\n")
    for options, error, message in (
        ({"words": ["one", "zzyzx", "drei"]}, ConfigError, r"system\.words: 2 words are not .* \(zzyzx, drei\)"),
        ({"words": []}, ConfigError, r"system\.words: holds no words"),
        ({"grammar": "x.jsgf"}, ConfigError, "one of words, grammar; remove the others"),
        ({"wip": 0.0}, ConfigError, r"system\.wip: 0\.0 must lie above 0"),
        ({"words": None, "loop": True}, ConfigError, r"system\.loop: is for words"),
        ({"words": None, "grammar": str(tmp_path / "none")}, ConfigError, r"none: No such file.*name a JSGF file"),
        ({"words": None, "grammar": str(broken)}, ConfigError, r"broken\.jsgf: is no grammar that pocketsphinx takes"),
        ({"words": None, "grammar": str(empty)}, ConfigError, r"empty\.jsgf: holds no words"),
        ({"words": None, "arpa": str(tmp_path / "broken.arpa")}, LanguageModelError, r"broken\.arpa"),
    ):
        with pytest.raises(error, match=message):
            make(**options)
    for training in (lambda: make().losses(None, "main", ["asr"]), lambda: make().validate(None)):
        with pytest.raises(LossError, match="PocketSphinx is not trained; apply it with nrsr apply --config"):
            training()


def test_a_missing_package_is_named(monkeypatch, root):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    config = root / "utils" / "conf" / "asr" / "pocketsphinx_digits.yaml"
    with pytest.raises(PackageError, match="^PocketSphinx needs pocketsphinx, .*; run tools/install.sh --anchors$"):
        build_system({"sample_rate": 8000, "system": load_yaml(config)["system"]})
