"""A small site of somebody else, with its own admin, that uses the installed apps."""
