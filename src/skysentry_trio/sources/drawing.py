"""The test pattern: a still scene that is drawn once, and moving things that are drawn on a copy for each frame."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cache

from attrs import define, field, frozen
from PIL import Image, ImageDraw, ImageFont

from skysentry_trio.sources.encoder_target import UNLIMITED, EncoderTarget
from skysentry_trio.sources.encoding import ResizeSpec, encode_jpeg

Colour = tuple[int, int, int]


@frozen
class Look:
    """The colours of a pattern."""

    sky: tuple[Colour, Colour]
    """Colours of the sky, at the top and above the hills."""
    hills: tuple[Colour, Colour]
    """Colours of the farthest and of the nearest hills."""
    accent: Colour
    """Colour of the moving things."""


DUSK = Look(((24, 32, 66), (214, 128, 106)), ((92, 70, 104), (22, 24, 44)), (255, 196, 120))
MORNING = Look(((20, 66, 92), (126, 178, 170)), ((78, 128, 124), (12, 40, 44)), (255, 240, 176))
NIGHT = Look(((8, 14, 30), (48, 92, 116)), ((34, 64, 84), (6, 12, 22)), (126, 222, 208))

# The order of the EBU colour bars, from the lightest to the darkest, in muted tones.
_BARS: tuple[Colour, ...] = (
    (214, 216, 220),
    (214, 186, 74),
    (78, 182, 190),
    (92, 172, 98),
    (172, 92, 166),
    (190, 74, 74),
    (62, 84, 168),
)
_WHITE: Colour = (246, 248, 250)
_BLACK: Colour = (0, 0, 0)
_LAYERS = 4
_SCALE = 2
"""The scene is drawn this many times larger and then shrunk, so that edges are smooth."""


@define(eq=False)
class Pattern:
    """A moving picture that shows the camera, the number of the frame and the time."""

    label: str
    width: int = 640
    height: int = 360
    look: Look = NIGHT
    quality: int = 80
    _scene: Image.Image = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        scene = _draw_scene(self.width * _SCALE, self.height * _SCALE, self.look)
        self._scene = scene.resize((self.width, self.height), Image.Resampling.BOX)
        self._write_label(ImageDraw.Draw(self._scene))

    def draw(self, number: int, now: float, wanted: EncoderTarget = UNLIMITED) -> bytes:
        """Return a frame as JPEG.

        Args:
            number: the number of the frame; it is drawn into the picture.
            now: seconds since the epoch, drawn as local time with milliseconds.
            wanted: limits width and quality.
        """
        image = self._scene.copy()
        canvas = ImageDraw.Draw(image)
        moment = datetime.fromtimestamp(now, UTC).astimezone()
        clock = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
        size = self._scaled(62)
        left = (self.width - _digits_width(clock, size)) // 2
        _write_digits(image, clock, size, (left, round(0.33 * self.height)), _WHITE)
        count, size = f"{number:06d}", self._scaled(20)
        left = self.width - self._scaled(24) - _digits_width(count, size)
        _write_digits(image, count, size, (left, self._scaled(20)), self.look.accent)
        # A bar that fills once a second: here people see a stutter that no number shows.
        top, bottom = _rail(self.width, self.height)
        canvas.rectangle((0, top, round(now % 1 * self.width), bottom), fill=self.look.accent)
        turn = now % 8 / 8 * math.tau
        x = self.width * (0.5 - 0.42 * math.cos(turn))
        y = self.height * (0.62 - 0.07 * math.sin(turn) ** 2)
        radius = self._scaled(6)
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=self.look.accent)
        shape = ResizeSpec(quality=self.quality).within(wanted)
        wanted_size = shape.size_for(self.width, self.height)
        return encode_jpeg(image if wanted_size == image.size else image.resize(wanted_size), shape.quality)

    def _write_label(self, canvas: ImageDraw.ImageDraw) -> None:
        size = self._scaled(20)
        font = _font(size)
        label = self.label
        room = self.width - self._scaled(72) - _digits_width("000000", size)
        while font.getlength(label) > room and len(label) > 1:
            label = label.removesuffix("…")[:-1] + "…"
        canvas.text((self._scaled(24), self._scaled(20)), label, font=font, fill=_WHITE)

    def _scaled(self, length: float) -> int:
        """Scale a length from a picture of 640x360 to this picture, in pixels."""
        return max(1, round(length * _unit(self.width, self.height)))


def _draw_scene(width: int, height: int, look: Look) -> Image.Image:
    column = Image.new("RGB", (1, height))
    for y in range(height):
        column.putpixel((0, y), _mix(*look.sky, min(1.0, y / (0.72 * height))))
    image = column.resize((width, height))
    canvas = ImageDraw.Draw(image)
    unit = _unit(width, height)
    for layer in range(_LAYERS):
        foot = height * (0.64 + 0.085 * layer)
        ridge = [(x, foot - unit * _ridge(x / width, layer)) for x in range(0, width + 4, 4)]
        colour = _mix(*look.hills, layer / (_LAYERS - 1))
        canvas.polygon([(0, height), *ridge, (width, height)], fill=colour)
    top, bottom = _rail(width, height)
    canvas.rectangle((0, top, width, bottom), fill=_mix(look.hills[1], _BLACK, 0.5))
    for index, colour in enumerate(_BARS):
        left, right = (width * side // len(_BARS) for side in (index, index + 1))
        canvas.rectangle((left, bottom + 1, right - 1, height), fill=colour)
    return image


def _unit(width: int, height: int) -> float:
    return min(width / 640, height / 360)


def _rail(width: int, height: int) -> tuple[int, int]:
    """Return the first and last row of the line between the hills and the colour bars."""
    bottom = height - max(1, round(18 * _unit(width, height)))
    return bottom - max(2, round(5 * _unit(width, height))), bottom - 1


def _ridge(x: float, layer: int) -> float:
    """Return the height of a chain of hills at 0 <= x <= 1."""
    broad = (22 - 3 * layer) * math.sin(x * (5 + 2 * layer) + 1.7 * layer)
    return broad + 7 * math.sin(x * (17 + 5 * layer) + layer)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, size))


@cache
def _digit_masks(size: int) -> dict[str, Image.Image]:
    """Draw each digit once, each as wide as the widest digit, so that the digits of the clock do not jump."""
    font = _font(size)
    widest = math.ceil(max(font.getlength(digit) for digit in "0123456789"))
    masks = {}
    for character in "0123456789:.":
        advance = widest if character.isdigit() else math.ceil(1.1 * font.getlength(character))
        mask = Image.new("L", (advance, math.ceil(size * 1.2)))
        left = (advance - font.getlength(character)) / 2
        ImageDraw.Draw(mask).text((left, 0), character, font=font, fill=255)
        masks[character] = mask
    return masks


def _digits_width(text: str, size: int) -> int:
    return sum(_digit_masks(size)[character].width for character in text)


def _write_digits(image: Image.Image, text: str, size: int, corner: tuple[int, int], colour: Colour) -> None:
    left, top = corner
    for character in text:
        mask = _digit_masks(size)[character]
        image.paste(colour, (left, top), mask)
        left += mask.width
