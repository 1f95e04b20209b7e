"""The vendors, faked over HTTP after their documents, and the phones of their customers: for demos, tests, benchmarks.

Invariant: it stands alone; it imports nothing of the rest of the project, and the rest imports nothing of it.
"""
