"""Code that every package may use: errors, frames, demand, limits, units, logs. No module here reads a message."""
