"""The demo packages: as many as asked for, always the same, each right or wrong in exactly the way it says."""

import hashlib
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import magic
import pytest
from docx import Document
from PIL import Image

from ingest.batches import find_batch, reconcile
from ingest.checks.received import compare
from ingest.errors import PackageRefused
from ingest.profiles import profiles
from ingest.sip import PackageTree
from ingest.unpack import unpack
from repository.demo import DemoPackage, generate
from repository.errors import UsageError
from repository.findings import Finding, is_valid
from repository.settings import UnpackLimits


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[DemoPackage]:
    return generate(tmp_path_factory.mktemp("demo") / "packages")


def digest(folder: Path) -> str:
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        state.update(str(path.relative_to(folder)).encode())
        if path.is_file():
            state.update(path.read_bytes())
    return state.hexdigest()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        generate(tmp_path / name, seed=5, cases=8)
    generate(tmp_path / "three", seed=6, cases=8)
    assert digest(tmp_path / "one") == digest(tmp_path / "two") != digest(tmp_path / "three")


def test_how_many_and_how_different(packages: list[DemoPackage]) -> None:
    assert 60 <= len(packages) <= 66
    faults = [package for package in packages if package.fault]
    assert 10 <= len(faults) <= 12
    assert len({package.expected_code for package in faults}) == len(faults)
    assert len({package.identifier for package in packages}) == len(packages)
    assert set(Counter(package.profile for package in packages)) == {"zj-zwfw", "bagit", "folder", "eark"}


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError):
        generate(tmp_path)


def findings_of(package: DemoPackage, work: Path) -> tuple[str | None, list[Finding]]:
    found: list[Finding] = []
    recognised: str | None = None
    try:
        tree, notes = unpack(package.path, work, limits=UnpackLimits(), progress=lambda files, size: None)
        profile = max(profiles(), key=lambda each: each.recognise(tree).score)
        recognised = profile.name
        sip = profile.read(tree)
        assert {placement.source for placement in sip.placements} == set(tree.files)
        found += [*notes, *sip.findings, *compare(tree, sip)]
    except PackageRefused as refused:
        found += refused.findings
    if package.batch is not None:
        batch = find_batch(package.batch)
        assert batch is not None
        assert batch.index is not None
        names = {"", package.path.name.removesuffix(".zip")}
        found += [*batch.findings, *(each for each in reconcile(batch.index, batch.cases) if each.parameters["case"] in names)]
    return recognised, found


def test_each_is_right_or_wrong_in_the_one_way_it_says(packages: list[DemoPackage], tmp_path: Path) -> None:
    for number, package in enumerate(packages):
        work = tmp_path / str(number)
        work.mkdir()
        recognised, found = findings_of(package, work)
        wrong = {finding.code for finding in found if not is_valid([finding])}
        assert wrong == ({package.expected_code} if package.fault else set()), package
        assert recognised == package.profile or package.expected_code == "ARCHIVE_TRUNCATED"


def contents(packages: list[DemoPackage]) -> Iterator[Path]:
    for package in packages:
        if package.path.is_dir() and not package.fault:
            yield from (path for path in package.path.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        (".pdf", "PDF document"),
        (".jpg", "JPEG image data"),
        (".wav", "RIFF (little-endian) data, WAVE audio"),
        (".mp4", "ISO Media, MP4"),
        # how much more is said of it depends on the release of libmagic
        (".docx", "Microsoft "),
        (".html", "HTML document"),
    ],
)
def test_the_papers_are_what_their_names_say(packages: list[DemoPackage], suffix: str, kind: str) -> None:
    papers = [path for path in contents(packages) if path.suffix == suffix]
    assert papers
    for path in papers:
        assert magic.from_file(str(path)).startswith(kind)


def test_papers_can_be_opened(packages: list[DemoPackage]) -> None:
    paths = list(contents(packages))
    with Image.open(next(path for path in paths if path.suffix == ".jpg")) as picture:
        picture.load()
    assert Document(str(next(path for path in paths if path.suffix == ".docx"))).paragraphs
    assert "同班工人" in next(path for path in paths if path.suffix == ".txt" and "证言" in path.name).read_bytes().decode("gb18030")
    with zipfile.ZipFile(next(path for path in paths if path.suffix == ".ofd")) as archive:
        assert archive.testzip() is None
        assert {"OFD.xml", "Doc_0/Document.xml", "Doc_0/Pages/Page_0/Content.xml"} <= set(archive.namelist())


def test_some_zips_have_names_in_gbk(packages: list[DemoPackage], tmp_path: Path) -> None:
    found: list[PackageTree] = []
    for number, package in enumerate(packages):
        if package.path.suffix == ".zip" and package.expected_code != "ARCHIVE_TRUNCATED":
            with zipfile.ZipFile(package.path) as archive:
                if any(entry.filename.isascii() or entry.flag_bits & 0x800 for entry in archive.infolist()):
                    continue
            (tmp_path / str(number)).mkdir()
            found.append(unpack(package.path, tmp_path / str(number), limits=UnpackLimits(), progress=lambda files, size: None)[0])
    assert found
    assert all(any("基本信息描述" in path for path in tree.files) for tree in found)
