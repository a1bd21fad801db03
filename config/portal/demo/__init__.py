"""The year of the demonstration: made-up customers and cases, told through the real verbs."""
