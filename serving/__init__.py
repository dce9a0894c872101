"""Serves the merged model: an engine, and the gateway people and bots talk to."""
