"""What can be said of an image: before a pixel of it is decoded, of its pixels, and among the others.

The checks and their names are CleanVision's (https://github.com/cleanlab/cleanvision), and so are the scores of dark, light, odd_aspect_ratio and
low_information; all are 0 to 1, the lower the worse.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image

SCORES = ("dark", "light", "odd_aspect_ratio", "low_information", "blurry", "grayscale", "border", "watermark")
SIDE = 256  # pixels: what is measured of an image is measured at this size
BLUR = 9  # pixels of the mean that blurs an image again
EVEN = 12  # levels by which pixels of one colour differ in a JPEG
FEW = 0.02  # of the pixels of a frame may be of another colour
STRAIGHT = (
    0.6  # of the pixels beside a frame are of another colour; beside the plain ground of a photographed thing few are
)
MAX_FRAME = 0.45  # of the height or width, at each end
MAX_SPOTS = 1_000
LETTERS = 12  # in a line, from which on the watermark's score is 0

Pixels = npt.NDArray[np.uint8]


def n_pixels(image: Any) -> int:
    return int(image.width * image.height)


def has_known_range(image: Any) -> bool:
    """Of 32 bits a pixel the file does not say what is black and what is white."""
    return image.mode not in ("I", "F")


def scores(image: "Image") -> dict[str, float]:
    """Of an RGB image, upright and in its own size."""
    small = image if max(image.size) <= SIDE else fitted(image, SIDE)
    pixels = np.asarray(small)
    brightest, darkest = np.percentile(brightness(pixels), [99, 5])
    found = {
        "dark": brightest,
        "light": 1 - darkest,
        "odd_aspect_ratio": min(image.size) / max(image.size),
        "low_information": min(1.0, small.entropy() / 10),
        "blurry": sharpness(pixels),
        "grayscale": colourfulness(pixels),
        "border": 1 - frame_share(pixels),
        "watermark": 1 - min(1.0, letters_in_line(pixels) / LETTERS),
    }
    return {name: float(found[name]) for name in SCORES}


def fitted(image: "Image", side: int) -> "Image":
    from PIL.Image import Resampling

    scale = side / max(image.size)
    return image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))), Resampling.BOX)


def brightness(pixels: Pixels) -> npt.NDArray[np.float32]:
    """(height, width), 0 to 1: as perceived, by the HSP model."""
    weights = np.array([0.241, 0.691, 0.068], dtype=np.float32) / 255**2
    return np.asarray(np.sqrt(np.square(pixels, dtype=np.float32) @ weights))


def sharpness(pixels: Pixels) -> float:
    """The share of its edges, across or down, that an image loses when it is blurred: a blurred one has little to lose (Crété et al. 2007).

    CleanVision measures how strong edges are, and so takes sharp photos of pale things for blurred ones, and blurred ones of bright things for sharp.
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
    """How far the channels are apart where they are farthest, but for one pixel in a hundred; CleanVision looks at the mode of the file alone."""
    red, green, blue = np.moveaxis(pixels, 2, 0)
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return float(np.percentile(highest - lowest, 99)) / 255


def frame_share(pixels: Pixels) -> float:
    """The share of an image that frames and letterbox bars of one colour take: rows and columns at the ends, up to a straight edge."""
    left = pixels
    for turned in (False, True):
        lines = left.transpose(1, 0, 2) if turned else left
        first, last = frame_lines(lines), frame_lines(lines[::-1])
        lines = lines[first : len(lines) - last]
        left = lines.transpose(1, 0, 2) if turned else lines
    return 1 - float(left[..., 0].size / pixels[..., 0].size)


def frame_lines(pixels: Pixels) -> int:
    """How many of the first lines are of the first one's colour; 0 where they end in no straight edge."""
    colour = np.median(pixels[0], axis=0)
    most = int(len(pixels) * MAX_FRAME)
    if share_of_others(pixels[:1], colour)[0] > FEW:
        return 0
    others = share_of_others(pixels[: most + 2], colour)
    ends = np.flatnonzero(others > FEW)
    if not len(ends) or ends[0] > most:
        return 0
    return int(ends[0]) if others[ends[0] : ends[0] + 2].max() >= STRAIGHT else 0


def share_of_others(lines: Pixels, colour: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n_lines,): of its pixels, those that are of another colour."""
    return np.asarray((np.abs(lines - colour) > EVEN).any(axis=2).mean(axis=1))


def letters_in_line(pixels: Pixels) -> int:
    """How many spots of a letter's size stand in one line and of like height, all brighter or all darker than what is around them.

    Like spots above and below the line count against it: those are a texture. So it finds letters that are printed in the scene too, but no logo
    without letters and no text of several lines.
    """
    import cv2

    grey, most = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), 0
    for way in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        strokes = cv2.morphologyEx(grey, way, np.ones((9, 9), np.uint8))
        _, _, spots, _ = cv2.connectedComponentsWithStats((strokes > 30).astype(np.uint8), connectivity=8)
        most = max(most, longest_line(spots[1:]))
    return most


def longest_line(spots: npt.NDArray[np.int32]) -> int:
    """`spots`: (n_spots, 5): left, top, width, height and pixels, in the order of their tops."""
    _, _, width, height, area = spots.T
    spots = spots[(height >= 5) & (height <= 32) & (width <= 2 * height) & (area >= 6)][:MAX_SPOTS]
    if not len(spots):
        return 0
    left, top, _, height, _ = spots.T[:, :, None]  # (n_spots, 1) each
    higher = np.abs((top + height) - (top + height).T)
    alike = (np.abs(np.log(height.T / height)) <= 0.4) & (np.abs(left - left.T) <= 8 * height)
    in_line = (alike & (higher <= 2)).sum(axis=1)
    around = (alike & (higher > 2) & (higher <= 2.5 * height)).sum(axis=1)
    return int(max(0, (in_line - around).max()))


def odd_sizes(sizes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n_rows,): 0.5 at the fences of Tukey's that lie three quartile ranges beyond the quartiles, 1 in the middle.

    As CleanVision's, but that the range is at least a fifth of the median: where most images are of one size, it calls odd all that are not.
    """
    if np.isnan(sizes).all():
        return sizes
    low, middle, high = np.nanquantile(sizes, [0.25, 0.5, 0.75])
    gap = 7 * max(high - low, middle / 5)
    return np.asarray(1 - np.clip(np.abs(sizes - (low + high) / 2) / gap, 0, 1))
