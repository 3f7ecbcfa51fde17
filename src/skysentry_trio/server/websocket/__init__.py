"""Cameras and viewers on WebSockets: one module for each end of the protocol."""
