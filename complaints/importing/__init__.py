"""Cases from tables that people send: profiles of known layouts, checking, loading once each.

`profiles.py` knows the layouts, `cfpb.py` and `own_layout.py` read their rows, `checking.py` says
before anything is stored what would happen, `running.py` opens the cases in small transactions.
"""
