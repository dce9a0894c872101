"""Engines: whatever generates, behind one protocol, OpenAI over HTTP."""
