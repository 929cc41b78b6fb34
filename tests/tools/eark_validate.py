"""Runs eark-validator on packages without a network; run by the Python of eark-validator's own environment.

Usage: python eark_validate.py PACKAGE…   One JSON object a line: path, structure (status), errors [{rule, message, location}],
warnings [{rule, message}], schema [{message}].

The validator fetches four vocabularies from the web when it is imported. It carries copies of them, and gets those.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import urllib.request
from pathlib import Path


def _vocabularies() -> Path:
    package = importlib.util.find_spec("eark_validator")
    if package is None or package.origin is None:
        sys.exit("eark-validator is not installed in this environment")
    return Path(package.origin).parent / "ipxml" / "resources" / "vocabs"


def main(paths: list[str]) -> None:
    """Validates each path and prints what was found."""
    folder = _vocabularies()
    urllib.request.urlopen = lambda address, *_, **__: (folder / address.rpartition("/")[2]).open("rb")

    from eark_validator.packages import PackageValidator

    for path in paths:
        report = PackageValidator(Path(path)).validation_report
        found = list(report.structure.messages)
        schema = []
        if report.metadata is not None:
            found += report.metadata.schematron_results.messages
            schema = [one.message for one in report.metadata.schema_results.messages]
        errors = [one for one in found if one.severity.value.lower() == "error"]
        warnings = [one for one in found if one not in errors and one.severity.value.lower().startswith("warn")]
        line = {
            "path": path,
            "structure": report.structure.status.value,
            "errors": [{"rule": one.rule_id, "message": one.message, "location": str(one.location)} for one in errors],
            "warnings": [{"rule": one.rule_id, "message": one.message} for one in warnings],
            "schema": schema,
        }
        print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
