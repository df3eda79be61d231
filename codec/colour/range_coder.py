"""Adaptive binary range coder in integer arithmetic, after the one of LZMA (Martin 1979; Pavlov's LZMA SDK).

Every bit is coded with a probability that adapts to what came before in the same context, the mean of a quick and a
slow estimate. The decoder reads zeros past the end, so the encoder leaves trailing zeros out: a stream has no overhead.
"""

#: Probabilities of a zero bit are in 1/65536.
ONE = 1 << 16
_QUICK, _SLOW = 5, 7
_TOP = 1 << 24


class Contexts:
    """Adaptive probabilities of a zero bit, one for each context."""

    def __init__(self, initial: tuple[int, ...]) -> None:
        """initial: probabilities of a zero bit in 1/256, each 1 to 255."""
        self.quick = [value << 8 for value in initial]
        self.slow = list(self.quick)

    def bound(self, context: int, size: int) -> int:
        """The part of a range that a zero bit takes; at least 1 and less than `size`."""
        # 12 bits of probability, kept off 0 and 1, of a range of at least 24 bits
        probability = min(max((self.quick[context] + self.slow[context]) >> 5, 16), 4080)
        return (size >> 12) * probability

    def adapt(self, context: int, bit: int) -> None:
        goal = 0 if bit else ONE
        self.quick[context] += (goal - self.quick[context]) >> _QUICK
        self.slow[context] += (goal - self.slow[context]) >> _SLOW


class Encoder:
    """Bits to bytes."""

    def __init__(self, initial: tuple[int, ...]) -> None:
        self.contexts = Contexts(initial)
        self._low, self._range = 0, 0xFFFFFFFF
        self._out = bytearray()

    def bit(self, context: int, bit: int) -> None:
        """Code a bit in a context."""
        bound = self.contexts.bound(context, self._range)
        self.contexts.adapt(context, bit)
        if bit:
            self._add(bound)
            self._range -= bound
        else:
            self._range = bound
        self._renormalize()

    def raw(self, bit: int) -> None:
        """Code a bit that is 0 or 1 with the same probability."""
        self._range >>= 1
        if bit:
            self._add(self._range)
        self._renormalize()

    def finish(self) -> bytes:
        """All bytes, as few as decode to the same bits."""
        # Of the values in low..low + range - 1, take the one that ends in most zeros.
        for zeros in (32, 24, 16, 8, 0):
            value = -(-self._low >> zeros) << zeros
            if value < self._low + self._range:
                break
        self._add(value - self._low)
        return bytes(self._out + self._low.to_bytes(4, "big")).rstrip(b"\0")

    def _add(self, amount: int) -> None:
        self._low += amount
        if self._low >> 32:
            self._low &= 0xFFFFFFFF
            at = len(self._out) - 1
            while self._out[at] == 255:  # the carry never runs past the start: the coded number is below 1
                self._out[at] = 0
                at -= 1
            self._out[at] += 1

    def _renormalize(self) -> None:
        while self._range < _TOP:
            self._out.append(self._low >> 24)
            self._low = self._low << 8 & 0xFFFFFFFF
            self._range <<= 8


class Decoder:
    """Bytes to bits; any bytes decode to something."""

    def __init__(self, data: bytes, initial: tuple[int, ...]) -> None:
        self.contexts = Contexts(initial)
        self._data, self._at = data, 4
        self._code, self._range = int.from_bytes(data[:4].ljust(4, b"\0"), "big"), 0xFFFFFFFF

    def bit(self, context: int) -> int:
        """Decode a bit in a context."""
        bound = self.contexts.bound(context, self._range)
        bit = int(self._code >= bound)
        self.contexts.adapt(context, bit)
        if bit:
            self._code -= bound
            self._range -= bound
        else:
            self._range = bound
        self._renormalize()
        return bit

    def raw(self) -> int:
        """Decode a bit that is 0 or 1 with the same probability."""
        self._range >>= 1
        bit = int(self._code >= self._range)
        if bit:
            self._code -= self._range
        self._renormalize()
        return bit

    def _renormalize(self) -> None:
        while self._range < _TOP:
            byte = self._data[self._at] if self._at < len(self._data) else 0
            self._code = (self._code << 8 | byte) & 0xFFFFFFFF
            self._range <<= 8
            self._at += 1
