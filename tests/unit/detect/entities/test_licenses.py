"""Headers of licenses are marks by the SPDX ids that the settings name; open source passes as shipped."""

import pytest

from gateway.config import Detect
from gateway.detect import Detector

OWN = "# Copyright (c) 2026 Acme Corp.\n# Licensed under the Acme Source License.\n"
GPL = (
    "/* Copyright (C) 1991 Someone\n * This is licensed under the terms of the\n"
    " * GNU General Public License version 2 */"
)
OPEN = [
    '// Copyright 2004 Google LLC\n// Licensed under the Apache License, Version 2.0 (the "License");\n',
    "Copyright (c) 2020 Jane Roe. Licensed under the MIT license.",
    "© 2020 Jane Roe, licensed under a BSD-style license",
    "// SPDX-License-Identifier: MIT OR Apache-2.0",
    "Copyright 2020. Licensed under the same terms as Perl itself.",
    GPL,
]


@pytest.fixture(scope="module")
def shipped() -> Detector:
    return Detector(Detect())


def found(detector: Detector, text: str) -> list[str]:
    return [text[span.start : span.end] for span in detector.inspect(text) if span.entity == "CODE_MARKER"]


def test_a_header_of_a_companys_own_license_is_a_mark(shipped: Detector) -> None:
    assert found(shipped, OWN) == ["Licensed under the Acme Source License"]
    assert found(shipped, "// SPDX-License-Identifier: MIT AND LicenseRef-Acme") != []


@pytest.mark.parametrize("text", OPEN)
def test_headers_of_open_licenses_are_none(shipped: Detector, text: str) -> None:
    assert found(shipped, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Is it licensed under the Acme Source License?",  # nothing says whose it is
        "Copyright law applies. It is licensed under something we forgot.",
        "Copyright (c) 2020 Acme. She is licensed under state law.",
    ],
)
def test_talk_of_licenses_is_no_header(shipped: Detector, text: str) -> None:
    assert found(shipped, text) == []


@pytest.mark.parametrize(
    ("text", "spdx"),
    [
        (GPL, "GPL-2.0"),
        ("Copyright 2020 X. Licensed under the GNU GPL v3", "GPL-3.0"),
        ("Copyright 2020 X. Licensed under LGPL 2.1", "LGPL-2.1"),
        ("Copyright 2020 X. Licensed under the GNU Affero General Public License, version 3", "AGPL-3.0"),
        ("Copyright 2020 X. Licensed to you under the Business Source License 1.1", "BUSL-1.1"),
        ("Copyright 2020 X. Licensed under the Mozilla Public License", "MPL-2.0"),
        ("Copyright 2020 X. Licensed under the 2-Clause BSD license", "BSD-2-Clause"),
        ("Copyright 2020 X. Licensed under CC BY 3.0", "CC-BY-3.0"),
        ("# SPDX-License-Identifier: (gpl-2.0-only WITH Classpath-exception-2.0)", "GPL-2.0-*"),
    ],
)
def test_any_license_is_a_mark_where_the_settings_name_it(text: str, spdx: str) -> None:
    assert found(Detector(Detect(licenses=(spdx,))), text) != []
    assert found(Detector(Detect(licenses=(f"{spdx.rstrip('*')}-not",))), text) == []


def test_no_license_is_a_mark_without_ids_or_with_the_entity_off() -> None:
    assert found(Detector(Detect(licenses=())), OWN) == []
    assert found(Detector(Detect(off=("CODE_MARKER",))), OWN) == []


def test_a_stream_waits_for_the_end_of_a_header(shipped: Detector) -> None:
    text = "Copyright 2026 Acme. Licensed under the Ac"
    assert shipped.open_at(text) == text.index("Licensed")
