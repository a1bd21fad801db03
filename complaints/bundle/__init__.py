"""The case bundle 调卷: chosen parts of a case as one numbered, watermarked PDF.

Third persons are made unrecognisable, internal notes go in only when asked for, and the record says
who had which bundle made, for whom and why, with the hash of the file.
"""

from complaints.bundle.asking import BundleRefused, Made, Wish, ask, downloaded, jobs_of, made

__all__ = ["BundleRefused", "Made", "Wish", "ask", "downloaded", "jobs_of", "made"]
