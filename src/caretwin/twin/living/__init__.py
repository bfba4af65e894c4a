"""Twins that live: they follow the record of their subject, whatever comes late, twice or corrected.

``course`` is what is known of one subject, ``twin`` one twin that is its fold, ``ward`` all of them, and ``record``
where they are read from and kept.
"""
