"""How alike two texts are: pairs of letters, the share they have in common, marks of near-equals.

Pure functions. Chinese and Latin text are cut the same way, so no dictionary is needed.
"""

import hashlib
import re
import struct
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from django.conf import settings

from config.shared.masking import scrub

BANDS: Final = 4
_ROWS: Final = 4
_LEAST: Final = 12  # pairs; a shorter text says too little to be called near-equal
_NOISE: Final = re.compile(r"[\W_]+")
_UNPACK: Final = struct.Struct(f"<{BANDS * _ROWS}I").unpack


def bigrams(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring letters and digits of a text, however it is spelled.

    Width, case, blanks and signs do not count, nor do telephone, card and identity numbers.
    """
    folded = unicodedata.normalize("NFKC", scrub(unicodedata.normalize("NFKC", text))).casefold()
    bare = _NOISE.sub("", folded)
    return frozenset(bare[at : at + 2] for at in range(len(bare) - 1))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of pairs two texts have in common, 0 to 1 (Jaccard); 0 for no text."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def marks(text: str) -> list[str]:
    """Return the marks of a text: one per band, keyed, so that they tell nothing by themselves.

    Texts of which nine tenths are the same share a mark almost surely, texts that share half of
    their pairs seldom (MinHash of 16 values in 4 bands). [] for a text that is too short.
    """
    pairs = bigrams(text)
    if len(pairs) < _LEAST:
        return []
    least = _least(pairs)
    return [_mark(band, least[band * _ROWS : (band + 1) * _ROWS]) for band in range(BANDS)]


def _least(pairs: Iterable[str]) -> Sequence[int]:
    """Return the least value of each of the hash functions over all pairs."""
    key = settings.INDEX_KEY.encode()[:64]
    rows = (
        _UNPACK(hashlib.blake2b(pair.encode(), digest_size=_ROWS * BANDS * 4, key=key).digest())
        for pair in pairs
    )
    return [min(column) for column in zip(*rows, strict=True)]


def _mark(band: int, values: Sequence[int]) -> str:
    key = settings.INDEX_KEY.encode()[:64]
    text = f"{band}:{','.join(map(str, values))}"
    return hashlib.blake2b(text.encode(), digest_size=24, key=key).hexdigest()
