"""Measures of an image: from its header, from its pixels, and its size compared with all images.

The checks and their names are those of CleanVision (https://github.com/cleanlab/cleanvision), as are the scores
`dark`, `light`, `odd_aspect_ratio` and `low_information`. All scores are 0 to 1; lower is worse.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image

SCORES = ("dark", "light", "odd_aspect_ratio", "low_information", "blurry", "grayscale", "border", "watermark")
SIDE = 256  # pixels of the longer side at which larger images are measured
BLUR = 9  # pixels of the box filter that blurs an image to measure its sharpness
EVEN = 12  # levels by which pixels of one colour differ in a JPEG
FEW = 0.02  # share of the pixels of a frame that may have another colour
# Share of the pixels next to a frame that must have another colour.
# Next to the plain background of a photographed object few have.
STRAIGHT = 0.6
MAX_FRAME = 0.45  # of the height or width, at each end
MAX_SPOTS = 1_000  # that are compared with each other
LETTERS = 12  # in a line, from which on the watermark's score is 0

Pixels = npt.NDArray[np.uint8]


def n_pixels(image: Any) -> int:
    return int(image.width * image.height)


def scores(image: "Image") -> dict[str, float]:
    """The score of each check, for an upright RGB image at its original size."""
    small = image if max(image.size) <= SIDE else fitted(image, SIDE)
    pixels = np.asarray(small)
    brightest, darkest = np.percentile(brightness(pixels), [99, 5])
    by_name = {
        "dark": brightest,
        "light": 1 - darkest,
        "odd_aspect_ratio": min(image.size) / max(image.size),
        "low_information": min(1.0, small.entropy() / 10),
        "blurry": sharpness(pixels),
        "grayscale": colourfulness(pixels),
        "border": 1 - frame_share(pixels),
        "watermark": 1 - min(1.0, letters_in_line(pixels) / LETTERS),
    }
    return {name: float(by_name[name]) for name in SCORES}


def fitted(image: "Image", side: int) -> "Image":
    """The image scaled to a longer side of `side` pixels."""
    from PIL.Image import Resampling

    scale = side / max(image.size)
    size = max(1, int(image.width * scale)), max(1, int(image.height * scale))
    return image.resize(size, Resampling.BOX)


def brightness(pixels: Pixels) -> npt.NDArray[np.float32]:
    """(height, width), 0 to 1: perceived brightness, by the HSP colour model."""
    weights = np.array([0.241, 0.691, 0.068], dtype=np.float32) / 255**2
    return np.asarray(np.sqrt(np.square(pixels, dtype=np.float32) @ weights))


def sharpness(pixels: Pixels) -> float:
    """The share of edges that blurring removes, horizontal or vertical, whichever is less (Crété et al. 2007).

    A blurred image loses little. CleanVision measures the strength of edges: it takes sharp photos of pale objects
    for blurred ones, and blurred photos of bright objects for sharp ones.
    """
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shares = []
    for axis, kernel in ((0, (1, BLUR)), (1, (BLUR, 1))):
        edges = np.abs(np.diff(grey, axis=axis))
        lost = np.maximum(0, edges - np.abs(np.diff(cv2.blur(grey, kernel), axis=axis)))
        shares.append(float(lost.sum()) / max(1.0, float(edges.sum())))
    return min(shares)


def colourfulness(pixels: Pixels) -> float:
    """The largest difference between the channels of a pixel, 0 to 1; the top 1% of pixels are ignored.

    CleanVision reads only the mode of the file.
    """
    red, green, blue = np.moveaxis(pixels, 2, 0)
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return float(np.percentile(highest - lowest, 99)) / 255


def frame_share(pixels: Pixels) -> float:
    """The share of an image that frames and letterbox bars of one colour take, up to a straight edge."""
    inner = without_bars(pixels)
    inner = without_bars(inner.transpose(1, 0, 2))
    return 1 - float(inner[..., 0].size / pixels[..., 0].size)


def without_bars(pixels: Pixels) -> Pixels:
    """The image without bars at its top and bottom."""
    first, last = frame_lines(pixels), frame_lines(pixels[::-1])
    return pixels[first : len(pixels) - last]


def frame_lines(pixels: Pixels) -> int:
    """The number of lines at the start with the colour of the first one; 0 if they do not end in a straight edge."""
    colour = np.median(pixels[0], axis=0)
    most = int(len(pixels) * MAX_FRAME)
    if share_of_others(pixels[:1], colour)[0] > FEW:
        return 0
    shares = share_of_others(pixels[: most + 2], colour)
    ends = np.flatnonzero(shares > FEW)
    if not len(ends) or ends[0] > most:
        return 0
    end = int(ends[0])
    is_straight = shares[end : end + 2].max() >= STRAIGHT
    return end if is_straight else 0


def share_of_others(lines: Pixels, colour: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n_lines,): the share of pixels of each line that have another colour."""
    return np.asarray((np.abs(lines - colour) > EVEN).any(axis=2).mean(axis=1))


def letters_in_line(pixels: Pixels) -> int:
    """The number of spots in one line that may be letters.

    They have a letter's size and similar heights, and all are brighter or all darker than their surroundings. Similar
    spots above and below the line are subtracted, as those are a texture. So letters printed in the scene are found
    too, but no logo without letters and no text of several lines.
    """
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    most = 0
    for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):  # bright strokes, dark strokes
        strokes = cv2.morphologyEx(grey, operation, np.ones((9, 9), np.uint8))
        _, _, spots, _ = cv2.connectedComponentsWithStats((strokes > 30).astype(np.uint8), connectivity=8)
        most = max(most, longest_line(spots[1:]))
    return most


def longest_line(spots: npt.NDArray[np.int32]) -> int:
    """The number of spots in the longest line.

    `spots` is (n_spots, 5): left, top, width, height and number of pixels, ordered by top.
    """
    _, _, width, height, area = spots.T
    is_letter = (height >= 5) & (height <= 32) & (width <= 2 * height) & (area >= 6)
    spots = spots[is_letter][:MAX_SPOTS]
    if not len(spots):
        return 0
    left, top, _, height, _ = spots.T[:, :, None]  # (n_spots, 1) each
    bottom = top + height
    distance = np.abs(bottom - bottom.T)
    is_similar = (np.abs(np.log(height.T / height)) <= 0.4) & (np.abs(left - left.T) <= 8 * height)
    n_in_line = (is_similar & (distance <= 2)).sum(axis=1)
    n_around = (is_similar & (distance > 2) & (distance <= 2.5 * height)).sum(axis=1)
    return int(max(0, (n_in_line - n_around).max()))


def odd_sizes(sizes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n_rows,): 1 in the middle, 0.5 at Tukey's outer fences, three interquartile ranges beyond the quartiles.

    The score of CleanVision, except that the interquartile range counts as at least a fifth of the median:
    if most images have one size, CleanVision calls all others odd.
    """
    if np.isnan(sizes).all():
        return sizes
    low, middle, high = np.nanquantile(sizes, [0.25, 0.5, 0.75])
    gap = 7 * max(high - low, middle / 5)
    return np.asarray(1 - np.clip(np.abs(sizes - (low + high) / 2) / gap, 0, 1))
