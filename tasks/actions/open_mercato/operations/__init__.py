"""Open Mercato's operations, by area."""
