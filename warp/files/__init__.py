"""Files as a user has them: read within bounds, written whole, shown as plain text."""
