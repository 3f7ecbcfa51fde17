"""Programs that speak the protocol from the other side: a camera and a viewer without a browser."""
