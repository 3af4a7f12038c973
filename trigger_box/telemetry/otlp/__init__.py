"""OTLP as it comes over the wire: JSON and protobuf in, one neutral shape out."""
