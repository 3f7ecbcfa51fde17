"""What a camera measures in its pictures."""

from __future__ import annotations

import pytest
from PIL import Image

from skysentry_trio.client.engine.change_meter import ChangeMeter, looks_same
from skysentry_trio.sources.thumbnail import make_thumbnail
from tests.client.engine.scenes import scene


def thumbnail(figure_at: float | None = None, light: int = 0) -> Image.Image:
    picture = make_thumbnail(scene(figure_at, light=light))
    assert picture is not None
    return picture


def test_noise_and_light_are_no_change() -> None:
    """A still scene with noise, whose light changes as a whole, has the change zero."""
    meter = ChangeMeter()
    changes = [meter.measure(thumbnail(light=(number % 2) * 20), number / 5).change for number in range(25)]

    assert changes[0] is None
    assert set(changes[1:]) == {0.0}


def test_a_figure_is_a_change_while_it_moves() -> None:
    """The change is about what it covers at the old place and at the new one, and ends when it stands still."""
    meter = ChangeMeter()
    places = [None] * 5 + [0.1 * number for number in range(1, 8)] + [0.7] * 5 + [None] * 5
    changes = [meter.measure(thumbnail(place), number / 2).change or 0 for number, place in enumerate(places)]

    assert max(changes[:5]) == 0
    assert all(change == pytest.approx(0.08, abs=0.05) for change in changes[6:12])
    assert (changes[13:17], changes[17] > 0.02, changes[18:]) == ([0] * 4, True, [0] * 4)


def test_brightness_and_contrast_tell_dark_from_covered() -> None:
    """A black picture has neither, a grey one has no contrast."""
    scenes = {"day": thumbnail(), "night": Image.new("L", (64, 36), 5), "hand": Image.new("L", (64, 36), 120)}
    measured = {name: ChangeMeter().measure(picture, 0.0) for name, picture in scenes.items()}

    assert [(one.brightness, one.contrast) for one in (measured["night"], measured["hand"])] == [(5, 0), (120, 0)]
    assert (measured["day"].contrast or 0) > 10


def test_still_pictures_look_the_same() -> None:
    """Noise does not count; a small figure and a little more light do."""
    still = thumbnail()

    assert looks_same(still, thumbnail())
    assert not looks_same(still, thumbnail(light=15))
    assert not looks_same(still, thumbnail(0.3))


def test_what_is_no_picture_is_not_measured() -> None:
    """A JPEG that cannot be decoded is sent as it is."""
    assert make_thumbnail(b"\xff\xd8\xff\xd9") is None
