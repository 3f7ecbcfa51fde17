"""Record frames on disk: segments, their index, the thread that writes, and what is deleted when."""
