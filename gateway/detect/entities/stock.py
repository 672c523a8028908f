"""Presidio's recognizers of patterns, loaded without its language models.

`import presidio_analyzer` also loads spaCy, thinc and pydantic and compiles recognizers that are not used:
2 s of processor time and 85 MB in each process. Here unused packages stay empty, and only the modules below
are loaded.
A process that needs all of Presidio imports it before `gateway`, and it stays as it is.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

_PACKAGE = "presidio_analyzer"
# Imported by the modules below for names that pattern recognizers never use.
_UNUSED = (
    "analyzer_engine",
    "analyzer_engine_provider",
    "batch_analyzer_engine",
    "context_aware_enhancers",
    "nlp_engine",
    "recognizer_registry",
)
# Packages that would import all of their modules.
_FOLDERS = (
    "predefined_recognizers",
    "predefined_recognizers.generic",
    "predefined_recognizers.country_specific",
    "predefined_recognizers.country_specific.uk",
    "predefined_recognizers.country_specific.us",
)

_WITH_PLUGIN = "nlp_engine"  # spaCy, where it is used, loads each installed plug-in, the one in there too


class Unused(ModuleType):
    """An empty module; any name imported from it is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def _leave_out_models() -> None:
    """Put empty packages in the place of the unused ones."""
    spec = find_spec(_PACKAGE)
    assert spec is not None, "presidio-analyzer is not installed"
    (folder,) = spec.submodule_search_locations or [""]
    for name in _UNUSED:
        sys.modules[f"{_PACKAGE}.{name}"] = Unused(f"{_PACKAGE}.{name}")
    for name in _FOLDERS:
        sys.modules[f"{_PACKAGE}.{name}"] = ModuleType(f"{_PACKAGE}.{name}")
    for name in (*_FOLDERS, _WITH_PLUGIN):
        sys.modules[f"{_PACKAGE}.{name}"].__path__ = [f"{folder}/{name.replace('.', '/')}"]


if _PACKAGE not in sys.modules:
    _leave_out_models()

from presidio_analyzer import Pattern, PatternRecognizer
from presidio_analyzer.predefined_recognizers.country_specific.uk.uk_nino_recognizer import UkNinoRecognizer
from presidio_analyzer.predefined_recognizers.country_specific.us.medical_license_recognizer import (
    MedicalLicenseRecognizer,
)
from presidio_analyzer.predefined_recognizers.country_specific.us.us_bank_recognizer import UsBankRecognizer
from presidio_analyzer.predefined_recognizers.country_specific.us.us_driver_license_recognizer import (
    UsLicenseRecognizer,
)
from presidio_analyzer.predefined_recognizers.country_specific.us.us_itin_recognizer import UsItinRecognizer
from presidio_analyzer.predefined_recognizers.country_specific.us.us_passport_recognizer import (
    UsPassportRecognizer,
)
from presidio_analyzer.predefined_recognizers.country_specific.us.us_ssn_recognizer import UsSsnRecognizer
from presidio_analyzer.predefined_recognizers.generic.crypto_recognizer import CryptoRecognizer
from presidio_analyzer.predefined_recognizers.generic.date_recognizer import DateRecognizer
from presidio_analyzer.predefined_recognizers.generic.ip_recognizer import IpRecognizer

__all__ = [
    "CryptoRecognizer",
    "DateRecognizer",
    "IpRecognizer",
    "MedicalLicenseRecognizer",
    "Pattern",
    "PatternRecognizer",
    "UkNinoRecognizer",
    "UsBankRecognizer",
    "UsItinRecognizer",
    "UsLicenseRecognizer",
    "UsPassportRecognizer",
    "UsSsnRecognizer",
    "url_recognizer",
]


def url_recognizer() -> PatternRecognizer:
    """Return the recognizer of URLs, which compiles every top-level domain for 0.4 s."""
    from presidio_analyzer.predefined_recognizers.generic.url_recognizer import UrlRecognizer

    return UrlRecognizer()
