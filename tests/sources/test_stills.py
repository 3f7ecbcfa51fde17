from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
import trio

from skysentry_trio.base.backoff import Backoff
from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.encoding import ResizeSpec
from skysentry_trio.sources.opening import SourceOptions, open_source
from skysentry_trio.sources.stills import StillsSource, list_jpegs
from tests.jpegs import draw_jpeg, size_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of three JPEGs, and things that are none."""
    for number, name in enumerate(("b.JPG", "a.jpg", "c.jpeg")):
        (tmp_path / name).write_bytes(draw_jpeg(number))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "d.jpg").mkdir()
    return tmp_path


async def received(source: Path, options: SourceOptions, count: int = 1000) -> list[bytes]:
    """Return the frames a source gives, at most so many."""
    jpegs: list[bytes] = []
    with trio.fail_after(10):
        async with open_source(str(source), options) as slot:
            try:
                while len(jpegs) < count:
                    jpegs.append((await slot.receive()).jpeg)
            except trio.EndOfChannel:
                pass
    return jpegs


async def test_a_folder_is_shown_in_order(folder: Path) -> None:
    """Sorted by name, byte for byte, and once if asked to."""
    assert await received(folder, SourceOptions(fps=200, once=True)) == [draw_jpeg(1), draw_jpeg(0), draw_jpeg(2)]


async def test_a_folder_begins_again(folder: Path) -> None:
    """After the last file comes the first; a new file is seen the next time round."""
    jpegs: list[bytes] = []
    with trio.fail_after(10):
        async with open_source(str(folder), SourceOptions(fps=100)) as slot:
            for number in range(9):
                jpegs.append((await slot.receive()).jpeg)
                if number == 0:
                    (folder / "d2.jpg").write_bytes(draw_jpeg(77))
    assert jpegs[3:7] == [draw_jpeg(1), draw_jpeg(0), draw_jpeg(2), draw_jpeg(77)]


async def test_one_file_is_repeated(folder: Path) -> None:
    """A single JPEG is shown again and again, or once."""
    assert await received(folder / "a.jpg", SourceOptions(fps=200), 4) == [draw_jpeg(1)] * 4
    assert await received(folder / "a.jpg", SourceOptions(fps=200, once=True)) == [draw_jpeg(1)]


async def test_pictures_are_made_smaller_if_asked_to(tmp_path: Path) -> None:
    """Width is obeyed for files too."""
    (tmp_path / "a.jpg").write_bytes(draw_jpeg(1, (640, 480)))
    (jpeg,) = await received(tmp_path, SourceOptions(fps=200, once=True, width=320))
    assert size_of(jpeg) == (320, 240)


async def test_bad_files_are_left_out_and_counted(folder: Path) -> None:
    """A file that is no JPEG, or vanishes, costs its turn."""
    (folder / "a.jpg").write_bytes(b"no picture")
    with trio.fail_after(10):
        async with open_source(str(folder), SourceOptions(fps=100)) as slot:
            await slot.receive()
            (folder / "c.jpeg").unlink()
            while slot.dropped["bad"] < 2:
                assert (await slot.receive()).jpeg in {draw_jpeg(0), draw_jpeg(2)}


async def test_a_bad_file_is_named(folder: Path) -> None:
    """Whoever looks why nothing comes finds the file and what is wrong with it."""
    (folder / "a.jpg").write_bytes(b"no picture")
    async with open_source(str(folder / "a.jpg"), SourceOptions(fps=200, once=True)) as slot:
        with pytest.raises(trio.EndOfChannel), trio.fail_after(5):
            await slot.receive()
    assert slot.trouble is not None
    assert slot.trouble.startswith("a.jpg: expected a JPEG")


async def test_a_folder_that_is_empty_for_a_while_is_waited_for(folder: Path) -> None:
    """A program may clear a folder, or its disk may be away; nobody has to start the camera again."""
    with trio.fail_after(20):
        async with open_source(str(folder), SourceOptions(fps=200)) as slot:
            await slot.receive()
            moved = Path(shutil.move(folder, folder.with_name("away")))
            while slot.trouble is None or "cannot read the folder" not in slot.trouble:
                with trio.move_on_after(0.01):
                    await slot.receive()
            assert "trying again in" in slot.trouble
            shutil.move(moved, folder)
            for file in ("a.jpg", "b.JPG", "c.jpeg"):
                (folder / file).unlink()
            while "no JPEG" not in (slot.trouble or ""):
                with trio.move_on_after(0.01):
                    await slot.receive()
            (folder / "e.jpg").write_bytes(draw_jpeg(99))
            while (await slot.receive()).jpeg != draw_jpeg(99):
                pass
        assert slot.trouble is None


async def test_a_file_that_vanishes_is_waited_for(folder: Path) -> None:
    """A single picture may be away while another program replaces it."""
    file = folder / "a.jpg"
    with trio.fail_after(20):
        async with open_source(str(file), SourceOptions(fps=200)) as slot:
            await slot.receive()
            file.unlink()
            while slot.trouble != "a.jpg: No such file or directory":
                with trio.move_on_after(0.01):
                    await slot.receive()
            file.write_bytes(draw_jpeg(98)[:-20])
            while "expected the JPEG to end" not in (slot.trouble or ""):
                with trio.move_on_after(0.01):
                    await slot.receive()
            file.write_bytes(draw_jpeg(98))
            while (await slot.receive()).jpeg != draw_jpeg(98):
                pass


def test_a_folder_without_jpegs_is_an_error(tmp_path: Path) -> None:
    """The error names the folder and what was looked for."""
    with pytest.raises(ConfigurationError, match=r"\*\.jpg"):
        list_jpegs(tmp_path)


def test_a_source_can_be_made_by_itself(tmp_path: Path) -> None:
    """The shape is as it is unless asked for."""
    assert StillsSource(tmp_path, 1, Backoff(random.random)).shape == ResizeSpec()


async def test_a_folder_obeys_demand(folder: Path) -> None:
    """Files that are over the rate are passed over; only where the user asked for less are they made smaller."""
    for options, size in ((SourceOptions(fps=100), (32, 24)), (SourceOptions(fps=100, quality=70), (16, 12))):
        with trio.fail_after(10):
            async with open_source(str(folder), options) as slot:
                slot.set_target(EncoderTarget(max_fps=0.1, max_width=16))
                assert size_of((await slot.receive()).jpeg) == size
                while slot.dropped["demand"] < 5:  # noqa: ASYNC110 - nobody announces it
                    await trio.sleep(0.01)
                assert slot.encodes == (options.quality is not None)
