"""The live board: counters, ageing, load and arrivals of the cases in sight. Reads only.

Every figure is counted over what the case queue shows under the same filter (`filters`), so that
a number and the list behind it agree. Counts stop at 10,001.
"""
