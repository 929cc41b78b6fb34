"""Properties of identification: the two scanners agree, matching means what `re` means, and no bytes make it fail."""

import io
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preservation.identification.containers import ContainerError, Content, opened
from preservation.identification.engine import Engine
from preservation.identification.patterns import Anchor, Pattern
from preservation.identification.sequences import Branch, Gap, Run, Step, Steps, as_json, from_json, joined
from tests.tools.identification import identifier, registry
from tests.tools.ole2 import compound_file
from tests.tools.skeleton import Skeleton, byte_skeletons, container_skeletons

BYTES = st.sampled_from([b"A", b"B", b"AB", b"C", bytes(range(256))])
RUNS = st.lists(BYTES, min_size=1, max_size=3).map(lambda cells: Run(tuple(cells)))
GAPS = st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 4))).map(
    lambda each: Gap(each[0], None if each[1] is None else each[0] + each[1])
)
STEPS: st.SearchStrategy[Steps] = st.recursive(
    st.lists(st.one_of(RUNS, GAPS), min_size=1, max_size=4).map(tuple),
    lambda inner: st.tuples(inner, st.lists(inner, min_size=1, max_size=3).map(lambda each: Branch(tuple(each))), inner).map(
        lambda each: (*each[0], each[1], *each[2])
    ),
    max_leaves=6,
)
WINDOWS = st.lists(st.sampled_from(list(b"ABCx")), max_size=14).map(bytes)
quick = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def as_regex(steps: Steps) -> bytes:
    """The tree as a backtracking regular expression: slow, and plainly right."""

    def one(step: Step) -> bytes:
        if isinstance(step, Run):
            return step.expression
        if isinstance(step, Gap):
            return b".{%d,%s}" % (step.low, b"" if step.high is None else b"%d" % step.high)
        return b"(?:" + b"|".join(as_regex(alternative) for alternative in step.alternatives) + b")"

    return b"".join(one(step) for step in steps)


@quick
@given(steps=STEPS, window=WINDOWS, anchor=st.sampled_from(Anchor), low=st.integers(0, 3), extra=st.one_of(st.none(), st.integers(0, 4)))
def test_matching_means_what_the_regular_expression_means(steps: Steps, window: bytes, anchor: Anchor, low: int, extra: int | None) -> None:
    high = None if extra is None else low + extra
    offset = b".{%d,%s}" % (low, b"" if high is None else b"%d" % high)
    body = as_regex(steps)
    expression = {
        Anchor.START: rb"\A" + offset + body,
        Anchor.END: body + offset + rb"\Z",
        Anchor.ANYWHERE: body,
    }[anchor]
    expected = re.search(expression, window, re.DOTALL) is not None
    assert Pattern(anchor=anchor, low=low, high=high, steps=joined(steps)).matches(window) is expected


@quick
@given(steps=STEPS)
def test_a_tree_comes_back_from_the_cache_as_it_was(steps: Steps) -> None:
    assert from_json(as_json(joined(steps))) == joined(steps)


@cache
def skeletons() -> list[Skeleton]:
    release = registry().bundled
    return [*byte_skeletons(release.signature_file), *container_skeletons(release.container_file)]


def formats(engine: Engine, content: bytes) -> tuple[str, list[str]]:
    whole = Content(content, content, len(content), lambda offset, length: content[offset : offset + length])
    decision = engine.decide(whole)
    return decision.basis, [format.puid for format in decision.formats]


@st.composite
def damaged_files(draw: Callable[[st.SearchStrategy[Any]], Any]) -> bytes:
    """A file that has a signature, whole or hurt in one of the ways files are hurt."""
    content: bytes = draw(st.sampled_from(skeletons())).content
    place = draw(st.integers(0, max(len(content) - 1, 0)))
    how = draw(st.sampled_from(["whole", "cut", "shifted", "flipped", "longer", "joined"]))
    if how == "cut":
        return content[:place]
    if how == "shifted":
        return b"\n" + content
    if how == "flipped" and content:
        return content[:place] + bytes([content[place] ^ 1 << draw(st.integers(0, 7))]) + content[place + 1 :]
    if how == "longer":
        return content + draw(st.binary(max_size=200))
    if how == "joined":
        return content + draw(st.sampled_from(skeletons())).content
    return content


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=damaged_files())
def test_with_and_without_hyperscan_the_answer_is_the_same(content: bytes) -> None:
    assert formats(identifier("hyperscan").engine, content) == formats(identifier("re").engine, content)


@settings(max_examples=200, deadline=None)
@given(content=st.one_of(st.binary(max_size=2000), damaged_files()), name=st.text(max_size=20))
def test_no_bytes_and_no_name_make_identification_fail(content: bytes, name: str) -> None:
    answer = identifier().identify_stream(io.BytesIO(content), name)
    assert answer.puid is None or answer.puid in answer.matches
    assert answer.as_json("path")["basis"] in {"container", "signature", "text", "extension", "none"}


@cache
def containers() -> list[tuple[str, bytes]]:
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("A", b"a" * 300)
        archive.writestr("B/C", b"c" * 3)
    return [("ZIP", stream.getvalue()), ("OLE2", compound_file({"A": b"a" * 3000, "B/C": b"c"}))]


@quick
@given(
    which=st.integers(0, 1), changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8), cut=st.integers(0, 600)
)
def test_a_container_changed_anywhere_is_read_or_refused(which: int, changes: list[tuple[int, int]], cut: int) -> None:
    kind, good = containers()[which]
    content = bytearray(good[: len(good) - cut])
    for place, byte in changes:
        if content:
            content[place % len(content)] = byte
    data = bytes(content)
    try:
        container = opened(
            kind, Content(data[:64], data[-64:], len(data), lambda offset, length: data[offset : offset + length]), ["A", "B/C"]
        )
        for name in container.names:
            assert len(container.read(name)[0]) <= 1024 * 1024
    except ContainerError:
        pass
