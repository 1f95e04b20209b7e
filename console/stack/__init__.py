"""The embedded default: a real PostgreSQL and Redis under a data directory, and the processes around them.

This package knows nothing of the rest of the project: services, ports and directories are passed in. Its one
invariant: a process, socket or pid file of ours never outlives its run by more than the next start.
"""
