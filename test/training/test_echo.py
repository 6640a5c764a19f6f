"""Samples are used several times, and always with their own labels."""

from itertools import islice
from types import SimpleNamespace

import pytest
import torch

from training.data.crop_batch import CropBatch
from training.echo import Echo

COUNT = 4


def marked(first: int) -> CropBatch:
    """A batch whose samples say in every part who they are."""
    number = torch.arange(first, first + COUNT).float()
    shapes = {
        'image': (3, 8, 8), 'joints2d': (5, 2), 'seen2d': (5,), 'joints3d': (5, 3),
        'seen3d': (5,), 'root': (3,), 'intrinsics': (3, 3), 'hidden': (5,),
        'swappable': (), 'real': (), 'source': (), 'turn': (3, 3),
    }  # fmt: skip
    return CropBatch(
        **{k: number.view(-1, *[1] * len(s)).expand(COUNT, *s) for k, s in shapes.items()}
    )


def run(echo: Echo, steps: int, first_step: int = 0) -> SimpleNamespace:
    """Batches of some steps, and in which of them fresh ones were asked for."""
    found = SimpleNamespace(batches=[], drawn=[])
    for step in range(first_step, first_step + steps):

        def draw(step):
            found.drawn.append(step)
            crops = marked(COUNT * step)
            return (crops.image * 2, crops.root * 3), crops

        generator = torch.Generator().manual_seed(step)
        found.batches.append(echo.batch(step, draw, generator))
    return found


def test_every_sample_keeps_its_labels():
    for (image, root), crops in run(Echo(3, kept=8), 30).batches:
        assert len(crops) == COUNT
        number = crops.source
        torch.testing.assert_close(image[:, 0, 0, 0], 2 * number)
        torch.testing.assert_close(root[:, 0], 3 * number)
        torch.testing.assert_close(crops.joints3d[:, 4, 2], number)


def test_one_step_of_so_many_is_fresh():
    assert run(Echo(3, kept=8), 30).drawn == [0, 1, *range(3, 30, 3)]
    assert run(Echo(1), 10).drawn == list(range(10))


@pytest.mark.parametrize('times', [1, 2, 3])
@pytest.mark.parametrize('first', [0, 7])
def test_it_says_before_for_which_steps_it_will_draw(times, first):
    promised = Echo(times, kept=8).fresh(first)
    drawn = run(Echo(times, kept=8), 30, first).drawn
    assert drawn == list(islice(promised, len(drawn)))


def test_a_mixture_is_of_what_was_kept():
    found = run(Echo(2, kept=3), 40)
    numbers = found.batches[-1][1].source.long() // COUNT
    assert set(numbers.tolist()) <= {34, 36, 38}


def test_the_same_state_of_the_generator_mixes_the_same():
    one, other = (run(Echo(3, kept=8), 20).batches[-1][1].source for _ in range(2))
    torch.testing.assert_close(one, other)
