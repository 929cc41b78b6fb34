"""Agreement with two independent engines on real files. Every difference is listed here with its reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from preservation.identification import Identification, Identifier
from preservation.identification.opinions import Fido, Opinion, Siegfried
from tests.tools.identification import identifier, newer_release, registry

#: FIDO, same signatures (V109), by the end of the path → why it differs.
FIDO_DIFFERENCES = {
    "LibreOffice7-ODF-1.3/LibreOfficeBase_odb_1.3.odb": "takes each entry of a container signature for a signature of its own",
    "Old Access/Reviews.xls": "takes each entry of a container signature for a signature of its own",
    "xls/MonteCarlo.xls": "does not look inside this file, and the byte signatures match several",
    "xls/valid.xls": "takes each entry of a container signature for a signature of its own",
    "odt/demoLibreOfficeImagePastedAsBitmap.odt": "does not look inside this file",
    "pdfCabinetOfHorrors/balloon_a1b_jp2k.pdf": "the PDF/A mark lies 128 KiB from either end of the file",
    "pdfCabinetOfHorrors/embedded_video_quicktime.doc": "does not read this compound file",
    "pdfCabinetOfHorrors/externalLink.doc": "does not read this compound file",
    "pdfCabinetOfHorrors/fileAttachment.doc": "does not read this compound file",
    "pdfCabinetOfHorrors/text_only.doc": "does not read this compound file",
    "pdfCabinetOfHorrors/webCapture.doc": "does not read this compound file",
}
#: Siegfried (V125) against our engine with V122 → why it differs.
SIEGFRIED_DIFFERENCES = {
    "calibre 0.8.57/Lorem Ipsum - Andrew Jackson.fb2": "FictionBook (fmt/2106) is newer than V122",
    "calibre 0.9.0/lorem-ipsum.fb2": "FictionBook (fmt/2106) is newer than V122",
    "NANETH_8bpp_grayscale/grayscale_8bpp_wrong_bpptag.tif.xml": "a signature for RDF/XML (fmt/875) is newer than V122",
    "old-style-jpeg-compression/old-style-jpeg-compression.xml": "a signature for RDF/XML (fmt/875) is newer than V122",
}
STRONG = {"signature", "container"}


def compare(
    corpus: Path, ours: Callable[[Path], Identification], theirs: Callable[[str], Opinion]
) -> tuple[int, dict[str, tuple[object, object]], int]:
    """How many files, those on which the sets of formats by signature differ, and on how many they have none in common."""
    paths = [path for path in sorted(corpus.rglob("*")) if path.is_file()]
    differences = {}
    apart = 0
    for path in paths:
        answer, opinion = ours(path), theirs(str(path))
        mine = set(answer.matches) if answer.basis in STRONG else set()
        other = {format.puid for format in opinion.formats} if opinion.basis in STRONG else set()
        # Siegfried settles ties by the name, as we do for the answer
        if mine != other and {answer.puid} != other:
            differences[str(path.relative_to(corpus))] = (sorted(mine), sorted(other))
            apart += not mine & other
    return len(paths), differences, apart


def unexplained(differences: dict[str, tuple[object, object]], known: dict[str, str]) -> dict[str, tuple[object, object]]:
    return {path: sets for path, sets in differences.items() if not path.endswith(tuple(known))}


@pytest.mark.timeout(180)
def test_fido_with_the_same_signatures(corpora: Path) -> None:
    count, differences, apart = compare(corpora / "format-corpus", identifier().identify_path, Fido().opinion)
    assert apart <= 0.03 * count, differences
    assert unexplained(differences, FIDO_DIFFERENCES) == {}


def test_siegfried(corpora: Path) -> None:
    newer = Identifier.open(registry().compiled, newer_release(corpora), second_opinion=False)
    count, differences, apart = compare(corpora / "format-corpus", newer.identify_path, Siegfried().opinion)
    assert len(differences) <= 0.03 * count, differences
    assert unexplained(differences, SIEGFRIED_DIFFERENCES) == {}
