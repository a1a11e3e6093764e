"""Frame-level inputs: recordings as sequences of frames, cached, normalised and read batch by batch."""
