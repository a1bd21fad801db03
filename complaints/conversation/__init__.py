"""The conversation with the customer: calls, messages, recall, wrong recipients, promises.

`speaking` and `writing` add what was said, `arriving` hears from the outbox, `recalling` takes a
message back before it leaves, `misdelivery` reports one that reached somebody else, `promises`
keeps what was promised, `after_end` lists what customers write to ended cases, `deliveries` says
how far a message is.
"""
