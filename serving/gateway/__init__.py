"""The gateway: what people and bots talk to, in front of an engine."""
