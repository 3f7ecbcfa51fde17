"""Where a camera gets its frames: test patterns, files, webcams and network streams."""
