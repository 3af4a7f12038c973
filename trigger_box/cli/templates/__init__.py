"""The files that ``init`` writes into a new project, as they are, but for ``{{…}}`` places."""
