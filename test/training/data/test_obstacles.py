"""Things in front of people stand in the world, however a crop is rolled."""

import pytest

torch = pytest.importorskip('torch')

from training.data.backgrounds import Backgrounds  # noqa: E402
from training.data.draws import Draws  # noqa: E402
from training.data.obstacles import things  # noqa: E402
from training.data.warping import carried, similarity  # noqa: E402

SIDE, COUNT = 64, 400


@pytest.mark.parametrize('roll', [0.0, 0.5, -0.5])
def test_poles_and_tables_stand_as_backgrounds_do(roll):
    draws = Draws(COUNT, torch.Generator().manual_seed(2))
    plain = Backgrounds(torch.full((1, 3, 256, 320), 90, dtype=torch.uint8))
    found = things(plain, torch.full((COUNT,), roll), SIDE, draws, 1.0)
    covered = (found.pixels[:, 3] > 0).flatten(1).float()
    v, u = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing='ij')
    zero = torch.zeros(1, 2)
    # from pixels of a crop to those of what it was cut from, as `Backgrounds.behind` does
    upright = similarity(zero, zero, torch.ones(1), torch.tensor([roll]))
    x, y = carried(upright, torch.stack([u, v], -1).flatten(0, 1).float()[None])[0].unbind(-1)
    mass = covered.sum(1).clamp_min(1)
    mean_x, mean_y = covered @ x / mass, covered @ y / mass
    across = covered @ (x * x) / mass - mean_x**2
    along = covered @ (y * y) / mass - mean_y**2
    tilted = covered @ (x * y) / mass - mean_x * mean_y
    turn = 0.5 * torch.atan2(2 * tilted, along - across)
    # poles are a quarter of all and long enough to tell which way they stand
    poles = (torch.maximum(across, along) > 6 * torch.minimum(across, along)) & (along > across)
    assert poles.sum() > COUNT // 10
    assert turn[poles].abs().median() < 0.1
