"""From a corpus as its authors publish it (or as it is generated on the spot) to Kaldi data directories.

Each module has `add_arguments(parser)`, `prepare(**options) -> Prepared`, and `check(...) -> list[str]`, a cheap
look at the folders that lists what is wrong with them.
"""

# Name on the command line -> module; `nrsr prepare` and `nrsr doctor` import it when they need it.
CORPORA = {
    "mini": "nrsr.corpora.mini",
    "fsdd": "nrsr.corpora.fsdd",
    "chime4": "nrsr.corpora.chime4",
    "rats": "nrsr.corpora.rats",
    "librimix": "nrsr.corpora.librimix",
    "emodb": "nrsr.corpora.emodb",
    "iemocap": "nrsr.corpora.iemocap",
    "cremad": "nrsr.corpora.cremad",
    "ravdess": "nrsr.corpora.ravdess",
    "voicebank": "nrsr.corpora.voicebank",
    "sc09": "nrsr.corpora.sc09",
    "ljspeech": "nrsr.corpora.ljspeech",
    "vctk": "nrsr.corpora.vctk",
    "jsut": "nrsr.corpora.jsut",
    "csmsc": "nrsr.corpora.csmsc",
    "aurora4": "nrsr.corpora.aurora4",
}
