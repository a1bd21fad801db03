"""Who the customers are: tiers, relationship managers, contact points."""
