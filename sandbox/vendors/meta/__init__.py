"""Meta's WhatsApp Cloud API, faked."""
