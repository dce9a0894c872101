"""What the gateway writes down: keys, usage, conversations, feedback."""
