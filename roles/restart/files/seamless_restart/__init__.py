"""Restarts a service on this host without one failed request, and leaves nothing behind.

New connections take a detour through a temporary haproxy, the direct ones are drained by `Connection: close`,
then the detour holds every request while the service is restarted. Standard library only: the guard runs on
the node, as a transient unit, for the length of the operation.
"""
