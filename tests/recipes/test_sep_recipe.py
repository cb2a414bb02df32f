"""The mini recipe of separation from the corpus to the table, at its smallest size."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MINI = ROOT / "egs" / "mini" / "sep" / "run.sh"


def test_mini_ends_with_the_table(tmp_path):
    options = ["--size", "tiny", "--work-dir", str(tmp_path), "--config", "conf/unified_2mix_gm.yaml", "--nj", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([MINI, *options], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    table = done.stdout[done.stdout.index("stage 6") :]
    assert re.search(r"^unified_2mix_gm +-?\d+\.\d\d \[", table, re.MULTILINE)
    assert "seen SI-SNRi" in table and "unseen SDRi" in table
    folder = tmp_path / "exp/tiny/unified_2mix_gm_seed1"
    for name in ("test_seen", "test_unseen"):
        assert "real-time factor" in (folder / f"log/separate_{name}.log").read_text()
        assert (folder / f"separate_{name}/score/sep.json").is_file()
    assert "conflicts" in (folder / "train.log").read_text()
