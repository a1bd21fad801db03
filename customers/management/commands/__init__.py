"""Commands of the customers room."""
