"""What a conversation is, on any platform, and what the model is asked."""
