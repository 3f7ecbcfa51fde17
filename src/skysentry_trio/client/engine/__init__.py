"""The other end of the protocol: a camera and a viewer on Trio, without a terminal and without threads."""
