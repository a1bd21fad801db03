"""Commands of the complaints room."""
