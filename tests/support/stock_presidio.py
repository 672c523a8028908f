"""Presidio as it comes: `[text, …]` as JSON on stdin, `[[[entity, start, end], …], …]` on stdout."""

from __future__ import annotations

import json
import sys

import tldextract
import tldextract.tldextract
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NoOpNlpEngine
from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider


def main(entities: list[str], threshold: float) -> None:
    """Analyze each text for the entities, in English."""
    # without this the first e-mail goes to the network
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    nlp = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "no_op"}])
    nlp.load()
    registry = RecognizerRegistryProvider(
        registry_configuration={"supported_languages": ["en"]}
    ).create_recognizer_registry()
    engine = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
    found = [
        [
            (result.entity_type, result.start, result.end)
            for result in engine.analyze(text, "en", entities=entities, score_threshold=threshold)
        ]
        for text in json.load(sys.stdin)
    ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[2:], float(sys.argv[1]))
