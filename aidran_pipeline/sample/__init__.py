"""The bundled sample days: ten days of made-up posts and reports, and the server that hands them out on loopback.

Belongs here: the texts (data/), reading them (days.py, blocks.py), the bodies a feed, a listing, a search and a page
have at a moment (bodies.py, pages.py), the server (server.py), the settings of a newsroom that reads it (newsroom.py).
Does not belong here: anything a stage does. The sample is read through the same clients as live sources.
"""
