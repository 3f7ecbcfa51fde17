"""Measure what recording costs, what kills lose, and how fast a day of recordings is searched."""
