"""Pure tools: no tables, no imports from any room."""
