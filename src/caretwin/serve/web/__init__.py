"""The web application's server: who signs in, what they may see, and what the browser is told as it happens.

``app`` puts it together, ``routes`` has a file for each page of questions, ``caller`` says who asks, and ``routing``
that no route goes without a permission.
"""
