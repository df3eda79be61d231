import math
import random

from hypothesis import given
from hypothesis import strategies as st

from scodec.colour.range_coder import Decoder, Encoder

INITIAL = (128, 250, 3)
# (context, or None for a raw bit; bit)
steps = st.lists(st.tuples(st.sampled_from([0, 1, 2, None]), st.integers(0, 1)), max_size=400)


def coded(bits):
    encoder = Encoder(INITIAL)
    for context, bit in bits:
        if context is None:
            encoder.raw(bit)
        else:
            encoder.bit(context, bit)
    return encoder.finish()


@given(steps)
def test_round_trip(bits):
    decoder = Decoder(coded(bits), INITIAL)
    assert [decoder.raw() if c is None else decoder.bit(c) for c, _ in bits] == [bit for _, bit in bits]


def test_size_is_close_to_the_entropy():
    rng = random.Random(1)
    share = 0.05
    bits = [(0, int(rng.random() < share)) for _ in range(20000)]
    entropy = -(share * math.log2(share) + (1 - share) * math.log2(1 - share)) * len(bits) / 8
    assert len(coded(bits)) < 1.05 * entropy


def test_carry_propagation():
    """Long runs of ones in a context that expects zeros push the lower bound up until carries occur."""
    for seed in range(300):
        rng = random.Random(seed)
        bits = [(rng.choice([1, 2]), int(rng.random() < 0.9)) for _ in range(200)]
        decoder = Decoder(coded(bits), INITIAL)
        assert [decoder.bit(c) for c, _ in bits] == [bit for _, bit in bits]


def test_golden_bytes():
    assert coded([]) == b""
    assert coded([(0, 1), (1, 0), (2, 1), (None, 1), (0, 0), (0, 1)] * 4).hex() == GOLDEN


@given(st.binary(max_size=50))
def test_any_bytes_decode_to_something(data):
    decoder = Decoder(data, INITIAL)
    assert all(decoder.bit(i % 3) in (0, 1) for i in range(500))


GOLDEN = "db43"
