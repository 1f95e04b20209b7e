"""The faked vendors, one folder each, and the table that lists them."""
