"""Open Mercato."""
