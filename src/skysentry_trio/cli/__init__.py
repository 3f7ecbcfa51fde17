"""The command line: turn arguments, environment and files into values, and run one function with them."""
