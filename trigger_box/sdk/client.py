"""Clients: where calls go and with which key."""

from __future__ import annotations


class Client:
    """A server and a key."""
