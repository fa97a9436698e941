"""The world: one module or package per outside thing. They do not know each other."""
