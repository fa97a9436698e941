"""The tuner's benchmark: scenarios in virtual time, rivals, and the table."""
