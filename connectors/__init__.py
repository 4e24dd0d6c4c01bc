"""What can be connected, what is connected, and its secrets. Knows nothing of AI."""
