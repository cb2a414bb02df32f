"""Preparation of CHiME-4 from a generated tree of its shape: 2 sentences of each set and environment."""

import subprocess
import wave
from pathlib import Path

import pytest

from nrsr.corpora import chime4
from nrsr.kaldi.datadir import DataDir
from nrsr.kaldi.lists import read_list
from nrsr.kaldi.validate import validate

SETS = list(chime4.OFFICIAL)
NEED = ("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur", "utt2noise")
TRAIN_SENTENCES = {"011": ["011C0201", "011C0202"], "02A": ["02AO0301", "02AO0302"]}
TEST_SENTENCES = ["22GC010A", "22GC010B"]


def write_wav(path: Path, samples: int = 480, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as writer:
        writer.setparams((1, 2, rate, samples, "NONE", ""))
        writer.writeframes(bytes(2 * samples))


def make_corpus(root: Path) -> Path:
    """All files that the preparation may look at, with names as in the real corpus."""
    audio, transcriptions = root / "data" / "audio" / "16kHz", root / "data" / "transcriptions"
    transcriptions.mkdir(parents=True)
    for number, environment in enumerate(chime4.ENVIRONMENTS):
        folder = f"{environment.lower()}_simu"
        for speaker, sentences in TRAIN_SENTENCES.items():
            key = f"{speaker}_{sentences[number % 2]}_{environment}"
            for channel in range(1, 7):
                write_wav(audio / "isolated" / f"tr05_{folder}" / f"{key}.CH{channel}.wav")
    for speaker, sentences in TRAIN_SENTENCES.items():
        for sentence in sentences:
            write_wav(audio / "isolated" / "tr05_org" / f"{speaker}_{sentence}_ORG.wav")
    for split in ("dt05", "et05"):
        for sentence in TEST_SENTENCES:
            write_wav(audio / "isolated" / f"{split}_bth" / f"F01_{sentence}_BTH.CH0.wav")
    for name in SETS:
        if name != "tr05_simu":
            make_transcribed(audio, transcriptions, name)
    dots = root / "data" / "WSJ0" / "wsj0" / "transcrp" / "dots" / "si_tr_s"
    for speaker, sentences in TRAIN_SENTENCES.items():
        (dots / speaker).mkdir(parents=True)
        lines = [f"Words of {sentence} [cough] ,COMMA too ({sentence})\n" for sentence in sentences]
        (dots / speaker / f"{sentences[0][:-2].lower()}00.dot").write_text("".join(lines))
    return root


def make_transcribed(audio: Path, transcriptions: Path, name: str) -> None:
    split, kind = name.split("_")
    lines = []
    for environment in chime4.ENVIRONMENTS:
        for sentence in TEST_SENTENCES:
            key = f"F01_{sentence}_{environment}"
            folder = f"{split}_{environment.lower()}_{kind}"
            lines.append(f"WORDS OF {sentence} ({key})\n")
            if split == "tr05":
                for channel in range(7):
                    write_wav(audio / "isolated" / folder / f"{key}.CH{channel}.wav")
            else:
                write_wav(audio / "isolated_1ch_track" / folder / f"{key}.wav")
    (transcriptions / f"{name}.dot_all").write_text("".join(lines))


@pytest.fixture
def corpus(tmp_path):
    return make_corpus(tmp_path / "CHiME4")


def test_all_directories_are_valid_and_complete(corpus, tmp_path):
    done = chime4.prepare(corpus, tmp_path / "data")
    for name in [*SETS, "tr05"]:
        assert validate(tmp_path / "data" / name, need=NEED) == []
    counts = {name: len(DataDir(tmp_path / "data" / name).utterances) for name in [*SETS, "tr05"]}
    assert counts == {name: 48 if name.startswith("tr05") else 8 for name in SETS} | {"tr05": 96}
    assert "tr05_simu: 8 utterances; the official set has 7138" in done.notes
    assert len(done.notes) == len(SETS)  # nothing else is amiss


def test_ids_speakers_text_and_environments(corpus, tmp_path):
    chime4.prepare(corpus, tmp_path / "data", channels=(5,))
    train, test = DataDir(tmp_path / "data" / "tr05"), DataDir(tmp_path / "data" / "et05_real")
    key = "011_CH5_011C0202_CAF.CH5_SIMU"
    assert train.read("text")[key] == "WORDS OF 011C0202 ,COMMA TOO"
    assert train.read("utt2spk")[key] == "011_CH5"
    assert train.read("utt2noise")[key] == "CAF"
    assert train.read("utt2dur")[key] == "0.030000"
    assert train.read("wav.scp")[key].endswith("isolated/tr05_caf_simu/011_011C0202_CAF.CH5.wav")
    assert sum("_REAL" in utterance for utterance in train.utterances) == 8
    assert test.read("text")["F01_22GC010A_STR_REAL"] == "WORDS OF 22GC010A"
    assert test.read("utt2spk")["F01_22GC010A_STR_REAL"] == "F01"
    assert set(test.read("utt2noise").values()) == {"BUS", "CAF", "PED", "STR"}


def test_only_simulated_utterances_have_clean_speech(corpus, tmp_path):
    chime4.prepare(corpus, tmp_path / "data", channels=(1,))
    for split in ("tr05", "dt05", "et05"):
        assert not (tmp_path / "data" / f"{split}_real" / "spk1.scp").exists()
        simulated = DataDir(tmp_path / "data" / f"{split}_simu")
        assert list(simulated.read("spk1.scp")) == simulated.utterances
    both = DataDir(tmp_path / "data" / "tr05")
    assert set(both.read("spk1.scp")) == {key for key in both.utterances if key.endswith("_SIMU")}
    clean = both.read("spk1.scp")["011_CH1_011C0201_BUS.CH1_SIMU"]
    assert clean.endswith("isolated/tr05_org/011_011C0201_ORG.wav")
    booth = read_list(tmp_path / "data" / "dt05_simu" / "spk1.scp")["F01_22GC010B_PED_SIMU"]
    assert booth.endswith("isolated/dt05_bth/F01_22GC010B_BTH.CH0.wav")


def test_exact_clean_speech_of_the_simulation_tool_is_preferred(corpus, tmp_path):
    exact = corpus / "data/audio/16kHz/isolated_ext/tr05_bus_simu"
    for speaker in TRAIN_SENTENCES:
        for channel in range(1, 7):
            write_wav(exact / f"{speaker}_{TRAIN_SENTENCES[speaker][0]}_BUS.CH{channel}.Clean.wav")
    chime4.prepare(corpus, tmp_path / "data", channels=(3, 4))
    clean = read_list(tmp_path / "data" / "tr05_simu" / "spk1.scp")
    assert clean["011_CH4_011C0201_BUS.CH4_SIMU"] == str(exact / "011_011C0201_BUS.CH4.Clean.wav")
    assert clean["011_CH4_011C0202_CAF.CH4_SIMU"].endswith("tr05_org/011_011C0202_ORG.wav")


def test_clean_speech_of_another_length_or_missing_is_told_and_left_out(corpus, tmp_path):
    clean = corpus / "data/audio/16kHz/isolated"
    write_wav(clean / "tr05_org" / "011_011C0201_ORG.wav", samples=481)
    (clean / "dt05_bth" / "F01_22GC010A_BTH.CH0.wav").unlink()
    done = chime4.prepare(corpus, tmp_path / "data", channels=(1,))
    told = "\n".join(done.notes)
    assert "tr05_simu: 2 utterances without clean speech" in told
    assert "011_011C0201_ORG.wav: 481 samples at 16000 Hz beside 480 noisy ones" in told
    assert "dt05_simu: 4 utterances without clean speech" in told
    assert len(read_list(tmp_path / "data" / "tr05_simu" / "spk1.scp")) == 6
    assert validate(tmp_path / "data" / "tr05") == []


def refused(nrsr_main, corpus: Path, out: Path, *options: object) -> str:
    """The one line with which preparation fails; nothing is written then."""
    status, printed, err = nrsr_main("prepare", "chime4", "--corpus-dir", corpus, "--out", out, *options)
    assert status == 1 and printed == "" and err.count("\n") == 1
    assert not out.exists()
    return err


@pytest.mark.parametrize(
    "name",
    [
        "audio/16kHz/isolated_1ch_track/et05_ped_simu/F01_22GC010B_PED.wav",
        "audio/16kHz/isolated/tr05_str_real/F01_22GC010A_STR.CH2.wav",
        "audio/16kHz/isolated/tr05_bus_simu/02A_02AO0301_BUS.CH6.wav",
        "transcriptions/dt05_simu.dot_all",
    ],
)
def test_a_missing_file_is_named_with_its_cure(corpus, tmp_path, nrsr_main, name):
    (corpus / "data" / name).unlink()
    err = refused(nrsr_main, corpus, tmp_path / "data")
    assert f"{corpus / 'data' / name}: no such file; unpack CHiME-4" in err


def test_without_wsj0_the_text_of_the_simulated_training_data_is_asked_for(corpus, tmp_path, nrsr_main):
    (corpus / "data" / "WSJ0").rename(tmp_path / "elsewhere")
    err = refused(nrsr_main, corpus, tmp_path / "data")
    assert "data/WSJ0: no such folder" in err and "--wsj0-dir" in err
    (tmp_path / "empty").mkdir()
    assert "empty: no .dot files" in refused(nrsr_main, corpus, tmp_path / "data", "--wsj0-dir", tmp_path / "empty")
    assert chime4.check(corpus) == []  # its own folders are all there
    given = ("--wsj0-dir", tmp_path / "elsewhere", "--channels", "5")
    status, out, _ = nrsr_main("prepare", "chime4", "--corpus-dir", corpus, "--out", tmp_path / "data", *given)
    assert status == 0
    assert "8 with parallel clean speech" in out


def test_missing_and_empty_transcripts_are_named(corpus, tmp_path, nrsr_main):
    dot = next((corpus / "data" / "WSJ0").rglob("02a*.dot"))
    dot.write_text("Something (02AO0301)\n")
    err = refused(nrsr_main, corpus, tmp_path / "data")
    assert "no transcript of 2 utterances of tr05_simu, first 02A_02AO0302_CAF" in err
    dot.write_text("Something (02AO0301)\n[cough] ~ (02AO0302)\n")
    assert "utterance '02A_02AO0302_CAF' has an empty transcript" in refused(nrsr_main, corpus, tmp_path / "data")


def test_recordings_without_transcript_are_told(corpus, tmp_path):
    write_wav(corpus / "data/audio/16kHz/isolated_1ch_track/dt05_caf_real/F09_22GC010A_CAF.wav")
    done = chime4.prepare(corpus, tmp_path / "data", channels=(1,))
    assert any(
        "dt05_real: 1 recordings without transcript" in note and "F09_22GC010A_CAF" in note for note in done.notes
    )


def test_another_rate_and_bad_channels_are_refused(corpus, tmp_path, nrsr_main):
    write_wav(corpus / "data/audio/16kHz/isolated/tr05_bus_simu/011_011C0201_BUS.CH1.wav", rate=8000)
    with pytest.raises(chime4.Chime4Error, match=r"011_011C0201_BUS\.CH1\.wav: has 8000 Hz instead of 16000"):
        chime4.prepare(corpus, tmp_path / "data")
    for channels in ("0", "7", "1;2"):
        options = ("--corpus-dir", corpus, "--out", tmp_path / "data", "--channels", channels)
        status, _, err = nrsr_main("prepare", "chime4", *options)
        assert status == 2 and "channels 1 to 6" in err


def test_check_lists_all_that_is_missing(corpus, tmp_path):
    assert len(chime4.check(tmp_path / "nowhere")) == 1
    (corpus / "data" / "transcriptions" / "tr05_real.dot_all").unlink()
    (corpus / "data/audio/16kHz/isolated_1ch_track").rename(tmp_path / "moved")
    problems = chime4.check(corpus)
    assert len(problems) == 17
    assert all("unpack CHiME-4" in problem for problem in problems)


def test_the_recipe_makes_training_and_development_data(corpus, tmp_path, root):
    command = [root / "egs/chime4/asr/run.sh", "--corpus-dir", corpus, "--work-dir", tmp_path, "--stop-stage", "1"]
    result = subprocess.run([*map(str, command), "--channels", "1,5"], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    train, dev = (tmp_path / "data" / "ch15" / name for name in ("train", "dev"))
    assert validate(train, need=NEED) == validate(dev, need=NEED) == []
    assert len(DataDir(train).utterances) == 32
    assert len(DataDir(dev).utterances) == 16
    assert all(name.endswith("_SIMU") for name in read_list(dev / "spk1.scp"))
