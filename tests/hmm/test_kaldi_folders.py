"""Folders that Kaldi wrote: options of their features, and alignments of chain models."""

import shutil

import numpy as np
import pytest

from nrsr.config import ConfigError
from nrsr.data.features import FeatureSettings
from nrsr.hmm.gmm_folder import load_settings


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("cmvn_opts", "--norm-vars", {"cmvn": "mean_variance"}),
        ("cmvn_opts", "--norm_vars=true --norm-means", {"cmvn": "mean_variance"}),
        ("cmvn_opts", "--norm-means=false --norm-vars=f", {"cmvn": "none"}),
        ("cmvn_opts", "", {"cmvn": "mean"}),
        ("delta_opts", "--delta_order=1 --delta-window=3", {"deltas": 1, "delta_window": 3}),
        ("cmvn_opts", "--norm-vars true", "true is not known"),
        ("cmvn_opts", "--norm-vars=maybe", "--norm-vars=maybe is not known"),
        ("cmvn_opts", "--norm-means=false --norm-vars", "variances are normalised with the means alone"),
        ("cmvn_opts", "--skip-dims=1:2", "--skip-dims=1:2 is not known"),
        ("delta_opts", "--delta-order", "--delta-order is not known"),
        ("splice_opts", "--left=3", "--left=3 is not known"),
    ],
)
def test_options_of_features_are_taken_or_refused(tmp_path, name, options, expected):
    (tmp_path / name).write_text(f"{options}\n")
    if isinstance(expected, dict):
        assert load_settings(tmp_path).features == FeatureSettings(**expected)
    else:
        with pytest.raises(ConfigError, match=f"{name}: {expected}"):
            load_settings(tmp_path)


def test_alignments_of_chain_models_give_times_alone(toy_speech, trained, nrsr_main, tmp_path):
    """Each of their frames is for three of the features; those of a GMM serve as such here."""
    kaldi, out = shutil.copytree(trained / "mono", tmp_path / "kaldi"), tmp_path / "out"
    (kaldi / "frame_subsampling_factor").write_text("3\n")
    status, _, err = nrsr_main("align", "--from-kaldi", kaldi, "--out", out)
    assert status == 0 and "a frame of the alignments is 3 of the features" in err
    short, long = (
        [line.split()[2:4] for line in (folder / "phone.ctm").read_text().splitlines()]
        for folder in (trained / "mono", out)
    )
    np.testing.assert_allclose(np.array(long, float), 3 * np.array(short, float), atol=1e-9)
    data = ("--data", toy_speech.data)
    for command in (
        ("align", "--from-parallel", out, *data, "--out", tmp_path / "x"),
        ("train-gmm", "tri", "--ali", out, *data, "--lang", toy_speech.lang, "--config", toy_speech.config)
        + ("--exp", tmp_path / "x"),
    ):
        status, _, err = nrsr_main(*command)
        assert status == 1 and "frame_subsampling_factor: a frame of these is 3 of the features; take a GMM's" in err
    (kaldi / "frame_subsampling_factor").write_text("three\n")
    status, _, err = nrsr_main("align", "--from-kaldi", kaldi, "--out", out)
    assert status == 1 and "frame_subsampling_factor: holds 'three', no whole number above 0" in err
