"""What the doctor says of programs of the system."""

from __future__ import annotations

from pathlib import Path

import pytest

from repository.health import PROGRAMS, Health, examine_program


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.name for program in PROGRAMS])
def test_a_program_is_found_or_its_absence_is_told_with_what_is_off_without_it(
    program: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (known,) = (one for one in PROGRAMS if one is program)
    monkeypatch.setenv("PATH", str(tmp_path))
    absent = examine_program(known)
    assert absent.health is Health.NOTE
    assert "no previews of" in absent.remedy
    assert "apt-get install" in absent.remedy
    file = tmp_path / known.name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    found = examine_program(known)
    assert found.health is Health.FINE
    assert found.parameters["path"] == str(file)
