"""Who works here: departments, people, accounts, roles, calendars, presence."""
