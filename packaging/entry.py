"""What the packaged program runs. ``freeze_support`` first: its children start this file, too."""

from __future__ import annotations

import multiprocessing

if __name__ == "__main__":
    multiprocessing.freeze_support()
    from trigger_box.cli import main

    main()
