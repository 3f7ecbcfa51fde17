"""The command line: arguments, environment and files become values, and one function is run with them."""
