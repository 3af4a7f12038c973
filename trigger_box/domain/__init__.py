"""The pure core: states, decisions, values, limits, errors. No I/O, no clock, no await."""
