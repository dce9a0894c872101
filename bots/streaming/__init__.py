"""Answers from the gateway to the platform, piece by piece."""
