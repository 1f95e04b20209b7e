"""ChatGPT Builder (CGB), faked."""
