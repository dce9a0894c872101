"""Many requests that may wait, in the shape of OpenAI's Batch API."""
