"""A file made from each signature is found to be what the signature is for.

At least 97 of 100 is what is asked; the rest would be signatures that contradict or overshadow each other.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from preservation.identification import Identifier, Release
from tests.tools.identification import identifier, newer_release, registry
from tests.tools.skeleton import Skeleton, byte_skeletons, container_skeletons


def missed(identifier: Identifier, skeletons: Iterator[Skeleton]) -> tuple[int, list[tuple[str, tuple[str, ...], tuple[str, ...]]]]:
    """How many there are, and those whose format is not among the matches."""
    count, out = 0, []
    for skeleton in skeletons:
        count += 1
        content, window = skeleton.content, identifier.window
        answer = identifier.identify_buffer(content[:window], content[-window:], len(content), f"x.{skeleton.extension}")
        if not set(skeleton.puids) & set(answer.matches) or answer.basis not in {"signature", "container"}:
            out.append((skeleton.signature, skeleton.puids, answer.matches))
    return count, out


def check(identifier: Identifier, release: Release) -> None:
    for skeletons in (byte_skeletons(release.signature_file), container_skeletons(release.container_file)):
        count, wrong = missed(identifier, skeletons)
        assert count > 150
        assert len(wrong) <= 0.03 * count, wrong


def test_the_installed_release() -> None:
    check(identifier(), registry().bundled)


@pytest.mark.timeout(120)
def test_a_newer_release(corpora: Path) -> None:
    release = newer_release(corpora)
    check(Identifier.open(registry().compiled, release, second_opinion=False), release)
