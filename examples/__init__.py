"""Examples that ship with Onbrand."""
