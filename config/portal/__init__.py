"""Pages that see everything: home, search, inbox, approvals, outbox, imports, record, health."""
