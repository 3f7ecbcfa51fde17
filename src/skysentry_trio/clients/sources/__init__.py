"""Where a camera without a browser gets its pictures: a drawn pattern, files, devices, addresses."""
