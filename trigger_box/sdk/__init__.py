"""What task authors import, through ``trigger_box``: tasks, runs, clients, logging, metadata.

Only the standard library, pydantic and httpx; the last two are imported at first use. Nothing
here connects, starts a thread or reads the environment at import.
"""
