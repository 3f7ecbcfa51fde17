"""What is proved about skysentry-trio, and what the proofs share."""
