"""Freighttech."""
