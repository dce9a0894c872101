"""Relays conversations between people and the gateway."""
