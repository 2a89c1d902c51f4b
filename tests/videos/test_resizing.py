import numpy as np
import pytest

from avaflow.videos.resizing import Resizing, resizing


@pytest.mark.parametrize(
    ("width", "height", "mode", "expected"),
    [
        (640, 360, "square", Resizing(256, 256, 0, 0, 256, 256)),
        # 640 / 360 * 256 = 455.1; of 455 columns 199 are cut, 100 of them on the left.
        (640, 360, "crop", Resizing(455, 256, 100, 0, 356, 256)),
        (360, 640, "crop", Resizing(256, 455, 0, 100, 256, 356)),
        (640, 360, "whole", Resizing(455, 256, 0, 0, 455, 256)),
        (256, 256, "crop", Resizing(256, 256, 0, 0, 256, 256)),
    ],
)
def test_sizes(width, height, mode, expected):
    made = resizing(width, height, mode, 256)
    assert made == expected == resizing(width, height, mode, [256, 256])
    shape = made.image(np.zeros((height, width, 3), np.uint8)).shape
    assert shape == (made.bottom - made.top, made.right - made.left, 3)


@pytest.mark.parametrize(
    ("width", "height", "mode", "expected"),
    [
        (640, 360, "square", Resizing(320, 192, 0, 0, 320, 192)),
        # 640 x 360 to a height of 192: 341.3 wide, of which 21 columns are cut, 11 on the left.
        (640, 360, "crop", Resizing(341, 192, 11, 0, 331, 192)),
        (640, 360, "whole", Resizing(341, 192, 0, 0, 341, 192)),
        # 400 x 360 to a width of 320: 288 high, of which 96 are cut.
        (400, 360, "crop", Resizing(320, 288, 0, 48, 320, 240)),
        (320, 192, "crop", Resizing(320, 192, 0, 0, 320, 192)),
    ],
)
def test_sizes_that_are_not_square(width, height, mode, expected):
    assert resizing(width, height, mode, [320, 192]) == expected


@pytest.mark.parametrize("mode", ["square", "crop", "whole"])
def test_boxes_stay_on_what_they_mark(mode):
    """A white rectangle in a black image is found where its box was moved to."""
    image = np.zeros((360, 640, 3), np.uint8)
    image[90:270, 256:384] = 255
    made = resizing(640, 360, mode, 128)
    box = made.boxes_px(np.array([[0.4, 0.25, 0.6, 0.75]]))[0]
    rows, columns = np.nonzero(made.image(image)[:, :, 0] > 127)
    seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.abs(box - seen).max() <= 1
    assert box.dtype == np.float32


def test_what_a_crop_cuts_off_lies_on_its_edge():
    made = resizing(640, 360, "crop", 256)
    box = made.boxes_px(np.array([[0.0, 0.0, 0.5, 1.0]]))[0]
    # The middle of 455 columns is 127.5 columns right of the cut at 100.
    np.testing.assert_allclose(box, [0, 0, 127.5, 256])
