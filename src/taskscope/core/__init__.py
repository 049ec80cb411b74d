"""The pure heart: facts in, figures out; no clock, no randomness, no I/O."""
