"""Everything served over HTTP: REST, pages, Motion JPEG streams and pushed frames."""
