"""What runs tell about themselves: spans, logs and measurements, from OTLP to pages.

Segment files are their truth, DuckDB is an index over them that can be rebuilt. The room writes
nothing about the life of a run: root, attempt and retry rows are derived from the store when read.
"""
