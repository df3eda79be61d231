"""The design of a study: which of its versions are compared."""

import random
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from itertools import combinations

from scodec.study.plan import ORIGINAL, RUINED, Trial, Version

#: The original is compared with each codec at each rate for one picture in this many.
HIDDEN = 4
#: One check for this many pairs, but at least FEWEST; never more than one for each picture.
SPACING, FEWEST = 12, 3


def design(versions: Sequence[Version], seed: int) -> tuple[Trial, ...]:
    """All trials of a study; equal versions and seeds give equal trials.

    Pairs of all codecs at equal rate; the original against some of them, as a hidden reference that shows how far all
    are from it; checks, the original against its ruin; and every version alone.

    versions: of every picture its original, its ruin, and at least one of a codec.
    """
    rng = random.Random(seed)
    by_picture: dict[str, list[Version]] = defaultdict(list)
    coded: dict[tuple[str, float], list[Version]] = defaultdict(list)
    for version in versions:
        by_picture[version.picture].append(version)
        if version.bpp is not None:
            coded[version.codec, version.bpp].append(version)

    def trial(kind: str, first: Version, *second: Version) -> Trial:
        pair = (first, *second)
        codecs, bpp = tuple(each.codec for each in pair), pair[-1].bpp
        text = f"{seed}/{kind}/{first.picture}/{bpp}/{codecs}"
        return Trial(sha256(text.encode()).hexdigest()[:12], kind, first.picture, bpp, codecs)

    originals = {each.picture: each for each in versions if each.codec == ORIGINAL}
    ruins = [each for each in versions if each.codec == RUINED]
    pairs = [
        trial("pair", first, second)
        for members in by_picture.values()
        for first, second in combinations([each for each in members if each.bpp is not None], 2)
        if first.bpp == second.bpp
    ]
    for members in coded.values():
        chosen = rng.sample(members, -(-len(members) // HIDDEN))
        pairs += [trial("pair", originals[each.picture], each) for each in chosen]
    count = min(len(ruins), max(FEWEST, len(pairs) // SPACING))
    checks = [trial("check", originals[each.picture], each) for each in rng.sample(ruins, count)]
    singles = [trial("single", each) for each in versions if each.codec != RUINED]
    return (*pairs, *checks, *singles)
