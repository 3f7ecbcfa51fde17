"""Cameras and viewers on WebSockets: `capture` serves the cameras, and `viewer` serves the viewers."""
