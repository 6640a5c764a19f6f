"""What other processes make ahead is what one process would make."""

import os
from itertools import count

import pytest
import torch
from forking import assert_forking_cases_pass

from training.ahead import Ahead


def drawn(step):
    """Something of a step's own, and who made it."""
    numbers = torch.rand(5, generator=torch.Generator().manual_seed(step))
    return {'numbers': numbers, 'maker': os.getpid()}


def every_third(first):
    return (step for step in count(first) if step % 3 == 0)


def test_what_forks_works_in_a_process_of_its_own():
    assert_forking_cases_pass(__file__)


def forking_workers_make_the_same():
    ahead = Ahead(drawn, every_third, workers=2)
    for step in range(6, 30, 3):
        made = ahead(step)
        torch.testing.assert_close(made['numbers'], drawn(step)['numbers'])
        assert made['maker'] != os.getpid()


def test_without_workers_nothing_is_made_elsewhere():
    assert Ahead(drawn, every_third)(4)['maker'] == os.getpid()


def forking_a_step_that_was_not_promised_is_told():
    ahead = Ahead(drawn, every_third, workers=1)
    ahead(3)
    with pytest.raises(ValueError, match='step 7 asks where step 6 was to'):
        ahead(7)


def forking_what_goes_wrong_elsewhere_is_told_here():
    def broken(step):
        raise OSError(f'layers of step {step} cannot be read')

    with pytest.raises(OSError, match='layers of step 5 cannot be read'):
        Ahead(broken, count, workers=1)(5)
