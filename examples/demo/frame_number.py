"""The source frame's number inside the image: digits for people, blocks for programs.

A row of square blocks in the upper left corner: one white, one black, then twelve bits with the
highest first, then a parity bit that makes the count of white bits odd. White is 1.
"""

import cv2
import numpy as np

IMAGE_WIDTH, IMAGE_HEIGHT = 640, 360
"""Size in pixels for which the lengths below are given; other sizes scale them."""

BLOCK_PX, MARGIN_PX = 12, 4
MARK_BITS, NUMBER_BITS = (1, 0), 12
BLACK_BELOW, WHITE_ABOVE = 90, 165
"""Grey levels 0..255; a block between them is not read but refused."""


def _bits(frame: int) -> list[int]:
    number = [frame >> shift & 1 for shift in reversed(range(NUMBER_BITS))]
    return [*MARK_BITS, *number, 1 - sum(number) % 2]


def burn_frame_number(image: np.ndarray, frame: int) -> None:
    """Draw the 0-based number of a source frame into a BGR image, uint8 (360, 640, 3)."""
    if not 0 <= frame < 2**NUMBER_BITS:
        raise ValueError(f"frame {frame} does not fit in {NUMBER_BITS} bits")
    bits = _bits(frame)
    digits_px = 52
    right = MARGIN_PX + BLOCK_PX * len(bits)
    bottom = MARGIN_PX + BLOCK_PX
    image[: bottom + MARGIN_PX, : right + MARGIN_PX + digits_px] = 0
    for position, bit in enumerate(bits):
        left = MARGIN_PX + BLOCK_PX * position
        image[MARGIN_PX:bottom, left : left + BLOCK_PX] = 255 * bit
    place = (right + 2 * MARGIN_PX, bottom)
    face, white = cv2.FONT_HERSHEY_SIMPLEX, (255, 255, 255)
    cv2.putText(image, f"{frame:04d}", place, face, 0.5, white, 1, cv2.LINE_AA)


def read_frame_number(image: np.ndarray) -> int:
    """Read the burned-in number from a BGR image, uint8 (height, width, 3), of any scale.

    Raises ValueError where the blocks are neither black nor white, or their parity is wrong.
    """
    scale_x, scale_y = image.shape[1] / IMAGE_WIDTH, image.shape[0] / IMAGE_HEIGHT
    strip = image[: int(np.ceil((2 * MARGIN_PX + BLOCK_PX) * scale_y))]
    grey = strip.astype(np.float32).mean(2)
    bits = []
    for position in range(len(MARK_BITS) + NUMBER_BITS + 1):
        left = MARGIN_PX + BLOCK_PX * position
        # the middle half of a block is free of blur from its neighbours
        columns = _middle(left * scale_x, (left + BLOCK_PX) * scale_x)
        rows = _middle(MARGIN_PX * scale_y, (MARGIN_PX + BLOCK_PX) * scale_y)
        level = float(grey[rows, columns].mean())
        if BLACK_BELOW < level < WHITE_ABOVE:
            raise ValueError(f"frame number: block {position} is grey ({level:.0f})")
        bits.append(int(level >= WHITE_ABOVE))
    marks, number, parity = bits[:2], bits[2:-1], bits[-1]
    if tuple(marks) != MARK_BITS:
        raise ValueError("frame number: the marks before it are missing")
    if (sum(number) + parity) % 2 != 1:
        raise ValueError("frame number: wrong parity")
    return int("".join(map(str, number)), 2)


def _middle(start: float, end: float) -> slice:
    quarter = (end - start) / 4
    first = int(np.floor(start + quarter))
    return slice(first, max(first + 1, int(np.ceil(end - quarter))))
