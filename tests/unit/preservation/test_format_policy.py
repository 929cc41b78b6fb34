"""The list of formats for archiving."""

from collections import Counter

import pytest

from preservation.format_policy import POLICY, Certainty, Standing, certainty_of, line_of, standing_of
from preservation.identification.signatures import read
from tests.tools.identification import registry

_OWN = "jingui/"


def test_a_format_stands_in_one_line() -> None:
    repeated = [puid for puid, count in Counter(puid for line in POLICY for puid in line.puids).items() if count > 1]
    assert repeated == []


def test_pronom_knows_every_format_of_the_list() -> None:
    release = registry().bundled
    known = {format.puid for format in read(release.signature_file, release.container_file).formats.values()}
    assert [puid for line in POLICY for puid in line.puids if puid not in known and not puid.startswith(_OWN)] == []


@pytest.mark.parametrize(
    ("puid", "standing"),
    [
        ("fmt/95", Standing.PREFERRED),
        ("fmt/354", Standing.PREFERRED),
        ("jingui/ofd-1.0", Standing.PREFERRED),
        ("fmt/276", Standing.ACCEPTED),
        ("fmt/353", Standing.PREFERRED),
        ("fmt/43", Standing.PREFERRED),
        ("fmt/101", Standing.PREFERRED),
        ("x-fmt/111", Standing.PREFERRED),
        ("fmt/40", Standing.AT_RISK),
        ("fmt/99999", Standing.UNLISTED),
        (None, Standing.UNKNOWN),
        ("", Standing.UNKNOWN),
    ],
)
def test_what_a_format_is_worth(puid: str | None, standing: Standing) -> None:
    assert standing_of(puid) is standing
    assert (line_of(puid) is None) == (standing in {Standing.UNLISTED, Standing.UNKNOWN})


def test_a_name_is_no_proof_and_a_remark_is_not_hidden() -> None:
    assert certainty_of("signature", 0) is certainty_of("container", 0) is Certainty.CONTENT
    assert certainty_of("signature", 1) is Certainty.DOUBTFUL
    assert certainty_of("text", 0) is Certainty.TEXT
    assert certainty_of("extension", 1) is Certainty.NAME
    assert certainty_of("none", 0) is Certainty.NONE
