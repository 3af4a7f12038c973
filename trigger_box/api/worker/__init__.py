"""Routes of workers, but the hot ones; their Socket.IO; the variables they give to user code."""
