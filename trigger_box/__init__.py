"""Durable background tasks and AI-agent runs that you host yourself."""
