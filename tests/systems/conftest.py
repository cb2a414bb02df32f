"""Puts this folder and that of toy_frames on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # toy_joint_asr
sys.path.insert(0, str(Path(__file__).parents[1] / "data"))  # toy_frames
