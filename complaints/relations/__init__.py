"""How cases hang together: chases, further matters, links, splits, sources, agents, look-alikes.

Each module is one subject; `workflow` uses `merging` and `sources`, so these two know no verb.
"""
