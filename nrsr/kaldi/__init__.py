"""Kaldi's formats: tables (ark, scp), lists, data directories and the audio they name."""

from nrsr.kaldi.audio import AudioError, audio_info, read_audio
from nrsr.kaldi.datadir import DataDir, DataDirError
from nrsr.kaldi.lists import ListError, c_sorted, read_list, write_list
from nrsr.kaldi.tables import TableError, TableWriter, WaveWriter, open_table, read_table

__all__ = [
    "AudioError",
    "DataDir",
    "DataDirError",
    "ListError",
    "TableError",
    "TableWriter",
    "WaveWriter",
    "audio_info",
    "c_sorted",
    "open_table",
    "read_audio",
    "read_list",
    "read_table",
    "write_list",
]
