"""Commands of the staff room."""
