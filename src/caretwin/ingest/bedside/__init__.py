"""Bedside tables of any source: their words, units and people, and the rules that judge what they say."""
