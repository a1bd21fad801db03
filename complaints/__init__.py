"""The case: intake, routing, workflow, clocks, escalation. The highest room: flows meet here."""
