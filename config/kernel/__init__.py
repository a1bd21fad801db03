"""What every room stands on, with tables: journal, outbox, notices, jobs, rules, terms, files."""
