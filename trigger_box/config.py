"""What ``trigger.config.py`` imports: ``from trigger_box.config import Config, Build, ext, retry``.

The settings of the server itself are in ``trigger_box/settings.py``.
"""

from __future__ import annotations

from trigger_box.sdk import ext, retry
from trigger_box.sdk.build import Build, Extension, Layer
from trigger_box.sdk.configuration import Config

__all__ = ["Build", "Config", "Extension", "Layer", "ext", "retry"]
