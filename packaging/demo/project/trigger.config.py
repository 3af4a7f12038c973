"""The example project. ``TRIGGER_PROJECT_REF`` names the project on the box."""

from trigger_box.config import Config, retry

config = Config(
    project="proj_example",
    dirs=["tasks"],
    retries=retry.defaults(dev=True, max_attempts=4),
)
