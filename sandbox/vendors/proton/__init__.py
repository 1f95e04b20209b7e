"""Proton.ai, faked."""
