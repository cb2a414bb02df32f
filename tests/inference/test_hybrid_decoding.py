"""A hybrid system from stored features to words: trained on a toy, decoded through a real graph, scale tuned."""

import re
import shutil
import sys
from pathlib import Path

import kaldi_native_io
import numpy as np
import pytest
import torch
from rapidfuzz.distance import Levenshtein
from toy_monophones import write_monophones

import nrsr
from nrsr.config import save_yaml
from nrsr.hmm.prepare_lang import Pronunciations, write_lang
from nrsr.kaldi import TableWriter, open_table, read_list
from nrsr.kaldi.dictionary import dictionary_of
from nrsr.kaldi.lexicon import Pronunciation
from nrsr.kaldi.make_lang import LangOptions
from nrsr.listing import shown

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from toy_frames import write_frame_data  # noqa: E402

CONFIG = {
    "sample_rate": 8000,
    "system": {
        "class": "nrsr.systems.Senone",
        "network": {"class": "nrsr.nn.Dnn", "layers": 2, "width": 32, "left": 1, "right": 1},
        "heads": {"noise": {"layer": 1, "width": 8, "alpha": 0.1}},
    },
    "data": {"cmvn": "none", "deltas": 0, "labels": {"noise": {}}},
    "loss_weights": {"senone": 1.0, "noise": 0.1},
    "optimiser": {"class": "torch.optim.AdamW", "lr": 0.01},
    "batches": {"size": 32},
    "training": {"epochs": 2, "average": 1},
    "decoding": {"acoustic_scale": 1.0, "batch_size": 5},
}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A folder with data/, model/graph and a trained exp/; words w0 to w4 are phones of one state; w4 is not said."""
    from nrsr.commands.main import main

    folder = tmp_path_factory.mktemp("toy")
    words = [Pronunciation(f"w{number}", (phone,)) for number, phone in enumerate("ABCDZ")]
    dictionary = dictionary_of([*words, Pronunciation("<unk>", ("SPN",))])
    lang = write_lang(Pronunciations(dictionary, []), folder / "lang", LangOptions(states=1, silence_states=3))
    tree = write_monophones(lang, folder / "model")
    assert main(["make-graph", "--lang", str(folder / "lang"), "--model", str(folder / "model"), "--loop"]) == 0
    pdfs = [int(tree.pdf_ids(np.array([[lang.phones[phone]]]), np.array([0]))[0]) for phone in "ABCD"]
    for name, size, seed in (("train", 40, 1), ("dev", 12, 2)):
        write_frame_data(folder / name, size, seed, senones=pdfs)
    save_yaml(CONFIG, folder / "conf.yaml")
    made = ["--config", str(folder / "conf.yaml")]
    exp, train, dev = (str(folder / name) for name in ("exp", "train", "dev"))
    assert main(["compute-cmvn", *made, "--out", f"{exp}/statistics.ark", train]) == 0
    assert main(["train", *made, "--train", train, "--dev", dev, "--exp", exp]) == 0
    return folder


@pytest.fixture
def decode(toy, nrsr_main, tmp_path):
    def run(*options, data=toy / "dev", out=tmp_path / "out"):
        return nrsr_main("decode", "--exp", toy / "exp", "--data", data, "--out", out, *options)

    return run


def word_errors(folder, text):
    reference = read_list(folder / "text")
    found = read_list(text, allow_empty_values=True)
    assert found.keys() == reference.keys()
    return sum(Levenshtein.distance(reference[name].split(), found[name].split()) for name in reference)


def test_from_features_to_words(toy, decode, tmp_path):
    status, printed, err = decode("--graph", toy / "model" / "graph")
    assert status == 0, err
    assert "12 utterances, real-time factor" in printed
    words = sum(len(text.split()) for text in read_list(toy / "dev" / "text").values())
    assert word_errors(toy / "dev", tmp_path / "out" / "text") <= 0.1 * words
    assert not (tmp_path / "out" / "loglikes.ark").exists()
    before = (tmp_path / "out" / "text").read_bytes()
    status, _, err = decode("--graph", toy / "model" / "graph", "--nj", 2, "--batch-size", 3, out=tmp_path / "two")
    assert status == 0, err
    assert (tmp_path / "two" / "text").read_bytes() == before


def test_log_likelihoods_for_kaldi(toy, decode, tmp_path):
    status, printed, err = decode("--write-loglikes")
    assert status == 0, err
    assert "12 utterances, real-time factor" in printed and not (tmp_path / "out" / "text").exists()
    system, senones = nrsr.load(toy / "exp").system, int((toy / "model" / "graph" / "num_pdfs").read_text())
    reader = kaldi_native_io.SequentialFloatMatrixReader(f"scp:{tmp_path}/out/loglikes.scp")
    read = {name: np.array(matrix) for name, matrix in reader}
    assert read.keys() == read_list(toy / "dev" / "text").keys()
    for name, scores in read.items():
        with torch.inference_mode():
            [wanted] = system.infer([open_table(toy / "dev" / "feats.scp")[name]], ["loglikes"])["loglikes"]
        np.testing.assert_allclose(scores, wanted, atol=1e-4)
    # For a graph, senones behind the last one with training frames are added, and are never taken.
    assert wanted.shape[1] < senones
    status, _, err = decode("--write-loglikes", "--graph", toy / "model" / "graph")
    assert status == 0, err
    padded = open_table(tmp_path / "out" / "loglikes.scp")[name]
    assert padded.shape[1] == senones and (padded[:, wanted.shape[1] :] == -10000).all()


def test_the_acoustic_scale_is_chosen_on_development_data(toy, decode, tmp_path):
    """Against the errors of each scale, decoded one by one."""
    graph, dev, scales = toy / "model" / "graph", toy / "dev", [0.001, 0.05, 1.0]
    errors = {}
    for scale in scales:
        assert decode("--graph", graph, "--acoustic-scale", scale, out=tmp_path / "one")[0] == 0
        errors[scale] = word_errors(dev, tmp_path / "one" / "text")
    assert errors[0.001] > min(errors.values())
    best = min(errors, key=errors.get)
    status, _, err = decode("--graph", graph, "--acoustic-scale", "1,0.05,0.001", "--dev", dev, data=toy / "train")
    assert status == 0, err
    words = sum(len(text.split()) for text in read_list(dev / "text").values())
    for scale, count in errors.items():
        assert f"acoustic scale {scale:g}: {count} word errors of {words} on {dev}" in err
    assert f"acoustic scale {best:g} taken" in err
    assert ("lies at the end" in err) == (best in (0.001, 1.0))
    assert float((tmp_path / "out" / "acoustic_scale").read_text()) == best
    assert f"acoustic_scale={best}" in (tmp_path / "out" / "decode.log").read_text()


def test_files_of_an_earlier_run_are_removed(toy, decode, tmp_path):
    graph, dev = ("--graph", toy / "model" / "graph"), toy / "dev"
    out, logs = tmp_path / "out", {"decode.log"}

    def files() -> set[str]:
        return {path.name for path in out.iterdir()} - logs

    assert decode(*graph, "--acoustic-scale", "1,0.05", "--dev", dev, "--write-loglikes")[0] == 0
    everything = files()
    assert {"text", "acoustic_scale", "loglikes.ark", "loglikes.scp"} <= everything
    assert decode(*graph, "--acoustic-scale", "0.4", data=toy / "train")[0] == 0
    assert files() == everything - {"acoustic_scale", "loglikes.ark", "loglikes.scp"}
    assert decode("--write-loglikes")[0] == 0
    assert files() == everything - {"acoustic_scale", "text"}


def test_utterances_without_frames_stand_without_words(toy, decode, tmp_path):
    data = shutil.copytree(toy / "dev", tmp_path / "data")
    features = dict(open_table(data / "feats.scp"))
    features["s0-000"] = features["s0-000"][:0]
    with TableWriter(f"ark,scp:{data}/feats.ark,{data}/feats.scp") as writer:
        for name, value in features.items():
            writer[name] = value
    (data / "utt2num_frames").unlink()
    status, _, err = decode("--graph", toy / "model" / "graph", data=data)
    assert status == 0 and "1 utterances have no frames and get no words: s0-000" in err
    assert "s0-000\n" in (tmp_path / "out" / "text").read_text()


def test_what_does_not_fit_is_named(toy, decode, tmp_path, experiment, nrsr_main):
    graph = toy / "model" / "graph"
    for options, message in [
        ([], "needs --graph, a folder of nrsr make-graph, or --write-loglikes alone"),
        (["--graph", tmp_path], "num_pdfs: no such file; give a folder of nrsr make-graph"),
        (["--graph", graph, "--method", "beam"], "--method: .* is a hybrid system, which has no such search"),
        (["--graph", graph, "--acoustic-scale", "0.1,0.2"], "--dev and several scales go together"),
        (["--graph", graph, "--acoustic-scale", "0.1", "--dev", "x"], "--dev and several scales go together"),
        (["--graph", graph, "--batch-size", 0], "batch_size: 0 is too small"),
        (["--graph", graph, "--beam", 0], "must be above 0"),
        (["--graph", graph, "--max-active", 99999999999], "max_active from 2 to 2147483647"),
        (["--write-loglikes", "--dev", "x", "--acoustic-scale", "1,2"], "--acoustic-scale, --dev: without --graph"),
    ]:
        status, _, err = decode(*options)
        assert status == 1
        assert re.search(message, err), err
    assert decode("--graph", graph, "--acoustic-scale", "-1")[0] == 2
    data = shutil.copytree(toy / "dev", tmp_path / "data")
    (data / "text").unlink()
    status, _, err = decode("--graph", graph, "--acoustic-scale", "1,2", "--dev", data)
    assert status == 1 and "data/text: no such file; the acoustic scale is chosen on data with transcripts" in err
    lines = (data / "feats.scp").read_text().splitlines(keepends=True)
    (data / "feats.scp").write_text("".join(lines[2:]))
    status, _, err = decode("--graph", graph, data=data)
    assert status == 1 and "2 utterances cannot be scored (no features): s0-000 s0-002" in err
    with TableWriter(f"ark,scp:{data}/feats.ark,{data}/feats.scp") as writer:
        for name in read_list(data / "utt2spk"):
            writer[name] = np.zeros((4, 3), np.float32)
    status, _, err = decode("--graph", graph, data=data)
    assert status == 1 and "3 values a frame with deltas, the network takes 7" in err
    small = shutil.copytree(graph, tmp_path / "graph")
    (small / "num_pdfs").write_text("3\n")
    status, _, err = decode("--graph", small)
    assert status == 1 and "is for 3 pdfs, the system has" in err
    options = ["--data", toy / "dev", "--out", tmp_path / "out", "--graph", graph]
    status, _, err = nrsr_main("decode", "--exp", experiment, *options)
    assert status == 1 and "--graph" in err and "is no hybrid system; leave the option out" in err
    status, _, err = nrsr_main("decode", "--exp", experiment, *options[:4], "--method", "beam", "--beam", "2.5")
    assert status == 1 and "--beam 2.5: a beam of hypotheses is a whole number" in err
    assert shown(["a"] * 9) == "a a a a a ..."


def test_audio_files_are_refused_with_what_to_do_instead(toy, nrsr_main):
    status, _, err = nrsr_main("transcribe", "--exp", toy / "exp", "x.wav")
    assert status == 1 and "a hybrid system needs nrsr decode --graph and stored features" in err
