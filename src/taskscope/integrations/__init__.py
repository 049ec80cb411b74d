"""Integrations: one line that records what a task library does, and changes nothing of it.

Each is a module with the same two functions: `install`, which connects it, and `uninstall`, which takes it out again.
None knows of another. What they share is here beside them: `reporting` writes the facts, `hands` tells a worker what
its children have finished, `patching` puts itself in front of foreign methods, `guarding` keeps what goes wrong in an
integration away from the library.
"""
