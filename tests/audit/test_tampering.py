"""R25 in small: changes of every sort are found, and what an anchor is for. `make drill` runs 10,000."""

from quizsvc.core.ledger import verify
from tests.drills import chain

NUMBER = 2_400


def test_chain_of_the_drill_is_sound_and_has_everything() -> None:
    assert list(verify(chain.CHAIN, anchors=chain.PAPER)) == []
    assert (len(chain.CHAIN), sum(len(link.leaves) for link in chain.CHAIN) > 200) == (300, True)
    assert any(link.private for link in chain.CHAIN)


def test_every_change_is_found() -> None:
    assert chain.missed(NUMBER, chain.PAPER) == dict.fromkeys(chain.KINDS, 0)


def test_without_an_anchor_cut_and_rewritten_chains_are_missed_and_nothing_else() -> None:
    share = NUMBER // len(chain.KINDS)
    every = {"truncate": share, "rewrite": share}

    assert chain.missed(NUMBER, ()) == {kind: every.get(kind, 0) for kind in chain.KINDS}
