"""Open Mercato, faked."""
