"""Freighttech, faked: it tells where containers are."""
