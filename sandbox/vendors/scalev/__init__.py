"""Scalev, faked."""
