"""Fresh apps of strangers, built with the packed npm package."""
