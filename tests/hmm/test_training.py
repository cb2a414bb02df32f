"""GMM training and alignment of toy speech with known boundaries, through the commands."""

import gzip
import re
import shutil
from dataclasses import replace
from pathlib import Path

import kaldi_hmm_gmm
import numpy as np
import pytest

from nrsr.hmm.gmm_folder import open_features
from nrsr.hmm.gmm_statistics import GmmStatistics
from nrsr.hmm.model import read_model, write_model
from nrsr.hmm.share import Share
from nrsr.hmm.transcripts import read_transcripts, shares
from nrsr.hmm.tree import monophone_tree
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.lists import read_list, write_list
from nrsr.kaldi.objects import binary_bytes
from nrsr.kaldi.tables import TableWriter, open_table

TOLERANCE = 2  # frames


def segments_of(folder: Path) -> dict[str, list[tuple[str, int, int]]]:
    """phone.ctm with frames instead of seconds."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    for line in (folder / "phone.ctm").read_text().splitlines():
        utterance, _, start, length, phone = line.split()
        first = round(float(start) * 100)
        found.setdefault(utterance, []).append((phone, first, first + round(float(length) * 100)))
    return found


def right_boundaries(found, known) -> float:
    """Share of the known phones' beginnings that were found, with the same phones around."""
    right = total = 0
    for utterance, phones in known.items():
        said = {(phone, start) for phone, start, _ in found[utterance]}
        for phone, start, _ in phones:
            right += any((phone, start + offset) in said for offset in range(-TOLERANCE, TOLERANCE + 1))
        total += len(phones)
    return right / total


def likelihoods(folder: Path) -> list[float]:
    return [
        float(value) for value in re.findall(r"log likelihood (-?[0-9.]+) a frame", (folder / "train.log").read_text())
    ]


@pytest.mark.parametrize("kind", ["mono", "tri", "lda"])
def test_boundaries_are_found(toy_speech, trained, kind):
    assert right_boundaries(segments_of(trained / kind), toy_speech.segments) > 0.97


@pytest.mark.parametrize("kind", ["mono", "tri", "lda"])
def test_the_likelihood_rises(trained, kind):
    history = likelihoods(trained / kind)
    assert len(history) == 11 and np.all(np.diff(history) > -0.02) and history[-1] > history[0]
    assert (trained / kind / "train.log").read_text().count("MLLT") == (3 if kind == "lda" else 0)


def test_triphones_explain_the_frames_better_and_keep_silence_apart(trained):
    mono, tri = read_model(trained / "mono"), read_model(trained / "tri")
    assert likelihoods(trained / "tri")[-1] > likelihoods(trained / "mono")[-1] + 0.1
    assert mono.tree.num_pdfs == 3 * 4 + 2 * 3 and 12 <= tri.tree.num_pdfs <= 40
    assert tri.gmm.num_pdfs == tri.tree.num_pdfs
    silent = set(tri.transitions.pdf[tri.transitions.phone == 1].tolist())
    assert not silent & set(tri.transitions.pdf[tri.transitions.phone > 2].tolist())
    # The library finds the same pdf-ids with the tree read back from its file.
    library = tri.transitions.for_library(tri.tree)
    assert list(library.id2pdf_id)[1:] == tri.transitions.pdf[1:].tolist()


def test_alignments_agree_with_each_other(toy_speech, trained):
    pdfs, ids = open_table(trained / "tri" / "ali.scp"), open_table(trained / "tri" / "trans_ali.scp")
    model, frames = read_model(trained / "tri"), read_list(toy_speech.data / "utt2num_frames")
    assert set(pdfs) == set(frames)
    for name in list(pdfs)[:10]:
        assert len(pdfs[name]) == int(frames[name])
        assert pdfs[name].tolist() == model.transitions.pdf[ids[name]].tolist()


def test_kaldi_reads_the_model_as_the_library_does(trained):
    """The bytes of tree and model, written again from what was read, are the same."""
    write_model(trained / "again", read_model(trained / "mono"))
    assert (trained / "again" / "tree").read_bytes() == (trained / "mono" / "tree").read_bytes()
    assert (trained / "mono" / "final.mdl").read_bytes()[:19] == b"\0B<TransitionModel>"[:19]
    classes = {1: 3, 2: 3, 3: 3, 4: 3, 5: 3, 6: 3}
    assert read_model(trained / "again").tree == monophone_tree([[p] for p in classes], classes)
    kaldi_hmm_gmm.HmmTopology().read(read_model(trained / "again").transitions.topology.text())


def test_several_processes_give_the_same_alignments(toy_speech, trained, nrsr_main, tmp_path):
    common = ["--data", toy_speech.data, "--lang", toy_speech.lang, "--out", tmp_path / "two"]
    status, _, said = nrsr_main("align", "--gmm", trained / "mono", *common, "--nj", 2)
    assert status == 0, said
    one, two = open_table(trained / "mono" / "trans_ali.scp"), open_table(tmp_path / "two" / "trans_ali.scp")
    # The model has been rounded to float32 in between.
    assert set(one) == set(two) and np.mean([np.mean(one[name] == two[name]) for name in one]) > 0.999


def test_statistics_do_not_depend_on_how_the_utterances_are_dealt_out(toy_speech, trained):
    lang, model = Lang.load(toy_speech.lang), read_model(trained / "mono")
    stored = open_features(trained / "mono", model, toy_speech.data)
    transcripts, sums = read_transcripts(toy_speech.data, lang, stored), []
    for parts in (1, 3):
        total = GmmStatistics.zeros(model.gmm, model.transitions.num_ids)
        for spec in shares(transcripts, stored, toy_speech.lang, lang, parts):
            share = Share(spec)
            share.compile(model.transitions, model.tree)
            share.align_evenly(seed=2**31 - 1)  # the library's highest, before an utterance adds to it
            assert not share.failed
            total.add(share.statistics(model.gmm))
        sums.append(total)
    assert sums[0].frames == sums[1].frames > 5000
    np.testing.assert_array_equal(sums[0].transitions, sums[1].transitions)
    np.testing.assert_allclose(sums[0].first, sums[1].first, rtol=1e-4, atol=1e-3)


def broken_copy(toy_speech, folder: Path) -> Path:
    """Toy data with all that can be wrong with single utterances."""
    shutil.copytree(toy_speech.data, folder)
    texts = read_list(folder / "text")
    names = list(texts)
    texts[names[0]] = "ab never heard"  # words without pronunciation
    texts[names[1]] = "dab dab dab dab dab dab dab dab dab dab dab dab dab dab dab"  # too long for its frames
    del texts[names[2]]
    feats = (folder / "feats.scp").read_text().splitlines()
    (folder / "feats.scp").write_text("\n".join(line for line in feats if not line.startswith(names[3])) + "\n")
    write_list(folder / "text", texts)
    return folder


def test_utterances_that_cannot_be_aligned_are_named_and_counted(toy_speech, trained, nrsr_main, tmp_path):
    data = broken_copy(toy_speech, tmp_path / "data")
    status, _, said = nrsr_main(
        "align", "--gmm", trained / "mono", "--data", data, "--lang", toy_speech.lang, "--out", tmp_path / "ali"
    )
    assert status == 0
    assert "2 words have no pronunciation and are read as unknown, 2 times: never, heard" in said
    assert "57 utterances aligned" in said and "3 utterances have no alignment" in said
    unaligned = read_list(tmp_path / "ali" / "unaligned")
    assert list(unaligned) == ["toy001", "toy002", "toy003"]
    assert re.search(r"frames are too short for the 13\d states", unaligned["toy001"])
    assert (unaligned["toy002"], unaligned["toy003"]) == ("no transcript", "no features")
    assert "toy000" in open_table(tmp_path / "ali" / "ali.scp")
    assert read_model(tmp_path / "ali").gmm.num_pdfs == 18  # the model stands beside its alignments


def test_training_goes_on_without_them_too(toy_speech, trained, nrsr_main, tmp_path):
    data = broken_copy(toy_speech, tmp_path / "data")
    common = ["--data", data, "--lang", toy_speech.lang, "--config", toy_speech.config, "--set", "tri.iterations=3"]
    status, _, said = nrsr_main("train-gmm", "tri", *common, "--ali", trained / "mono", "--exp", tmp_path / "tri")
    assert status == 0 and "no alignment, no transcript: 1 utterances, toy002" in said
    # toy000 and toy001 have alignments to other words; that they are kept is what --ali asks for, until realignment.
    assert set(read_list(tmp_path / "tri" / "unaligned")) == {"toy001", "toy002", "toy003"}


def test_noisy_speech_gets_the_alignments_of_its_clean_speech(toy_speech, trained, nrsr_main, tmp_path):
    clean = open_table(toy_speech.data / "feats.scp")
    names = list(clean)[:5]
    noisy = tmp_path / "noisy"
    noisy.mkdir()
    with TableWriter(f"ark,scp:{noisy}/feats.ark,{noisy}/feats.scp") as writer:
        for name in names:
            writer[f"{name}-c1"] = clean[name] + 5.0
        writer["other"] = clean[names[0]]
    write_list(noisy / "utt2spk", dict.fromkeys([*(f"{name}-c1" for name in names), "other"], "toy"))
    arguments = ("align", "--from-parallel", trained / "tri", "--data", noisy, "--out", tmp_path / "ali")
    status, _, said = nrsr_main(*arguments)
    assert status == 0
    assert "5 utterances have the alignments of their clean speech; all numbers of frames agree" in said
    assert "1 utterances, other" in said
    ours, theirs = open_table(tmp_path / "ali" / "ali.scp"), open_table(trained / "tri" / "ali.scp")
    assert ours[f"{names[1]}-c1"].tolist() == theirs[names[1]].tolist() and len(ours) == 5
    with TableWriter(f"ark,scp:{noisy}/feats.ark,{noisy}/feats.scp") as writer:
        writer[f"{names[0]}-c1"] = clean[names[0]][:-1]
    write_list(noisy / "utt2spk", {f"{names[0]}-c1": "toy"})
    status, _, said = nrsr_main(*arguments)
    assert status == 1 and "1 of 1 utterances have other numbers of frames" in said


def test_a_folder_of_kaldi_is_taken_over(trained, nrsr_main, tmp_path):
    kaldi, mono = tmp_path / "kaldi", trained / "mono"
    kaldi.mkdir()
    for name in ("final.mdl", "tree", "phones.txt"):
        shutil.copy(mono / name, kaldi)
    ids = open_table(mono / "trans_ali.scp")
    for job, names in enumerate((list(ids)[::2], list(ids)[1::2]), 1):
        content = b"".join(name.encode() + b" " + binary_bytes(ids[name], False) for name in names)
        (kaldi / f"ali.{job}.gz").write_bytes(gzip.compress(content))
    status, _, said = nrsr_main("align", "--from-kaldi", kaldi, "--out", tmp_path / "out")
    assert status == 0 and "60 alignments" in said
    assert segments_of(tmp_path / "out") == segments_of(mono)
    assert (tmp_path / "out" / "final.mdl").read_bytes() == (mono / "final.mdl").read_bytes()
    # A neural network behind the transitions is none of our business.
    transitions_end = (kaldi / "final.mdl").read_bytes().index(b"<DIMENSION>")
    (kaldi / "final.mdl").write_bytes((kaldi / "final.mdl").read_bytes()[:transitions_end] + b"<Nnet3> whatever")
    assert nrsr_main("align", "--from-kaldi", kaldi, "--out", tmp_path / "nnet")[0] == 0


def test_bad_input_is_named(toy_speech, trained, nrsr_main, tmp_path):
    common = ["--data", toy_speech.data, "--lang", toy_speech.lang]

    def said(*arguments) -> str:
        status, _, text = nrsr_main(*arguments)
        assert status == 1 and text.count("\n") == 1, text
        return text

    exp = ["--exp", tmp_path / "x"]
    assert "triphones need --ali" in said("train-gmm", "tri", *common, *exp)
    assert "cmvn.scp" in said("train-gmm", "mono", *common, *exp)  # CMVN is the default, and there is none
    assert "take 1 or more" in said("train-gmm", "mono", *common, *exp, "--config", toy_speech.config, "--nj", 0)
    bad = tmp_path / "bad.yaml"
    bad.write_text("mono: {gausians: 5}\n")
    assert "gausians" in said("train-gmm", "mono", *common, *exp, "--config", bad)
    bad.write_text("alignment: {beam: 50}\n")
    assert "beam < retry_beam" in said("train-gmm", "mono", *common, *exp, "--config", bad)
    align = ["--data", toy_speech.data, "--lang", toy_speech.lang, "--out", tmp_path / "y"]
    assert "final.mdl" in said("align", "--gmm", tmp_path, *align)
    assert "needs --data" in said("align", "--gmm", trained / "mono", "--out", tmp_path / "y")
    broken = tmp_path / "broken"
    shutil.copytree(trained / "mono", broken)
    (broken / "final.alimdl").write_bytes(b"")
    assert "adapted to speakers" in said("align", "--gmm", broken, *align)
    (broken / "final.alimdl").unlink()
    shutil.copy(trained / "tri" / "tree", broken / "tree")
    assert "take tree and final.mdl of one training" in said("align", "--gmm", broken, *align)
    (broken / "gmm.yaml").write_text("features: {cmvn: none, deltas: 1}\n")
    shutil.copy(trained / "mono" / "tree", broken / "tree")
    assert "features have 12 values" in said("align", "--gmm", broken, *align)


def test_aligning_and_scoring_take_the_transform(toy_speech, trained, nrsr_main, tmp_path):
    """The alignments of the training come out again, and with no or another final.mat nothing does."""
    lda = tmp_path / "lda"
    shutil.copytree(trained / "lda", lda)
    align = ("align", "--gmm", lda, "--data", toy_speech.data, "--lang", toy_speech.lang, "--out", tmp_path / "ali")
    status, _, said = nrsr_main(*align, "--nj", 2)
    assert status == 0, said
    ours, theirs = open_table(tmp_path / "ali" / "trans_ali.scp"), open_table(lda / "trans_ali.scp")
    assert set(ours) == set(theirs) and np.mean([np.mean(ours[name] == theirs[name]) for name in ours]) > 0.999
    assert (tmp_path / "ali" / "final.mat").read_bytes() == (lda / "final.mat").read_bytes()
    loglikes = ("decode", "--data", toy_speech.data, "--out", tmp_path / "out", "--exp", lda, "--write-loglikes")
    assert nrsr_main(*loglikes)[0] == 0
    model, name = read_model(lda), next(iter(theirs))
    scores, pdfs = open_table(tmp_path / "out" / "loglikes.scp")[name], open_table(lda / "ali.scp")[name]
    assert scores.shape == (len(pdfs), model.gmm.num_pdfs) and np.mean(scores.argmax(axis=1) == pdfs) > 0.8
    write_model(lda, replace(model, transform=model.transform[:-1]))
    status, _, said = nrsr_main(*align)
    assert status == 1 and "final.mat: makes 7 values a frame, final.mdl takes 8" in said
    (lda / "final.mat").unlink()
    for command in (align, loglikes):
        status, _, said = nrsr_main(*command)
        assert status == 1 and "final.mat: no such file, and the model was trained with it" in said
    # The alignment folder keeps no matrix of the model that it held before.
    assert nrsr_main(*align[:2], trained / "mono", *align[3:])[0] == 0
    assert read_model(tmp_path / "ali").transform is None


def test_a_folder_of_kaldi_with_lda_is_aligned_with(toy_speech, trained, nrsr_main, tmp_path):
    kaldi = tmp_path / "kaldi"
    kaldi.mkdir()
    for name in ("final.mdl", "tree", "final.mat"):
        shutil.copy(trained / "lda" / name, kaldi)
    (kaldi / "cmvn_opts").write_text("--norm-means=false\n")
    (kaldi / "splice_opts").write_text("--left-context=3 --right-context=3\n")
    align = ("align", "--gmm", kaldi, "--data", toy_speech.data, "--lang", toy_speech.lang, "--out", tmp_path / "ali")
    assert nrsr_main(*align)[0] == 0
    assert right_boundaries(segments_of(tmp_path / "ali"), toy_speech.segments) > 0.97
    (kaldi / "splice_opts").write_text("--left-context=3\n")  # and 4 on the right, the default
    assert "unequal sides" in nrsr_main(*align)[2]


def test_a_gmm_is_decoded_as_a_neural_network_is(toy_speech, trained, nrsr_main, tmp_path):
    tri, graph = trained / "tri", tmp_path / "graph"
    assert nrsr_main("make-graph", "--lang", toy_speech.lang, "--model", tri, "--loop", "--out", graph)[0] == 0
    decode = ("decode", "--data", toy_speech.data, "--out", tmp_path / "out", "--graph", graph, "--exp")
    status, _, said = nrsr_main(*decode, tri)
    assert status == 0, said
    reference, found = read_list(toy_speech.data / "text"), read_list(tmp_path / "out" / "text")
    assert np.mean([reference[name] == found[name] for name in reference]) > 0.9
    status, _, said = nrsr_main(*decode, trained / "mono")
    assert status == 1 and re.search(r"is for \d+ pdfs, the system has 18", said)
