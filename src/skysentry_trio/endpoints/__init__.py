"""One module for each kind of remote party. Endpoints do not import each other."""
