"""Who may do what here: every request is judged at the door, before any route is looked for.

`demands` says what a request takes, `callers` who asks, `guard` puts both together around the whole application. So a
route that somebody adds is closed without a line of its own.
"""
