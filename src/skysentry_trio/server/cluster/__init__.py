"""Several servers as one: which node has which camera, and what holds this together."""
