"""The vendors Scalev, Wabotick and Proton, faked over HTTP after their documents: for demos, tests and benchmarks.

Invariant: it stands alone; it imports nothing of the rest of the project, and the rest imports nothing of it.
"""
