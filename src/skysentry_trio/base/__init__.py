"""Code that every package may use: addresses, chatter, errors, frames, demand, limits, units, logs.

No module here reads a message.
"""
