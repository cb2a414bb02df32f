"""YAML in, objects out: `{class: dotted.path, ...}` builds any class that fits its slot."""

from nrsr.config.build import ConfigError, build
from nrsr.config.settings import settings_from
from nrsr.config.yaml_files import check_keys, load_yaml, save_yaml

__all__ = ["ConfigError", "build", "check_keys", "load_yaml", "save_yaml", "settings_from"]
