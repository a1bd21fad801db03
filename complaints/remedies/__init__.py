"""What is done for a customer: promised with an owner and a day, done with a proof, paid for.

`ledger` keeps the remedies, `money` counts what was granted, `promising` makes those of a decision.
"""
