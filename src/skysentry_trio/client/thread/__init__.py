"""One camera or viewer in a background thread, for programs that are blocking, asyncio or Trio."""
