"""Data that is installed with the package: units, rules, schema, pictures."""
