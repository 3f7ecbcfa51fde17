"""The client side of the protocol on Trio: a camera client and a viewer client, without a terminal or threads."""
