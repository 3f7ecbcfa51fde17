"""Convert bytes and text to values and back; nothing here reads, writes, asks a clock, or knows the hub."""
