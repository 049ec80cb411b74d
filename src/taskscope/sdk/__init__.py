"""What runs inside an application: recording facts into the spool, and reading the spool back.

Nothing in this package raises into the application or waits for anybody: a fact that can't be kept is counted and
dropped. Only the standard library and msgspec are imported, so that an application pays nothing for the server.
"""
