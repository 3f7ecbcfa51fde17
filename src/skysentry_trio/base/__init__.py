"""What every room may use: errors, frames, demand, limits, units, logs. Nothing in here knows a protocol."""
