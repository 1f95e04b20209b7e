"""Wabotick, faked."""
