"""Who may see and do what in the web application: deny by default, and say by which policy.

The policies are Cedar files in ``policies/``, for people to read; ``policies`` asks them, ``rules`` knows who asks and
about whom, ``people`` makes the record itself refuse what they refuse.
"""
