"""Each section of the configuration refuses values that contradict each other, and repeats no secret."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.config.providers import Aws, Provider
from gateway.config.settings import Audit, CustomEntity, Opa, PolicySettings, TableBundle


@pytest.mark.parametrize("url", ["builtin:demo", "http://127.0.0.1:1", "https://llm.example/v1"])
def test_a_provider_is_the_demo_or_an_address(url: str) -> None:
    assert Provider("openai", url, "env:KEY").base_url == url


@pytest.mark.parametrize("url", ["", "builtin:other", "ftp://h", "https://h/v1?key=1", "https://u:p@h"])
def test_another_address_of_a_provider_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"base_url: expected http"):
        Provider("openai", url)


def test_a_secret_in_the_place_of_its_reference_is_refused_and_not_repeated() -> None:
    for secret in ("sk-very-secret", "env:1-very-secret", "FILE:secret"):
        for make in (
            lambda secret=secret: Provider("openai", "https://h", secret),
            lambda secret=secret: Audit(content_key=secret),
            lambda secret=secret: Opa("https://opa", secret),
            lambda secret=secret: TableBundle("k", "https://h/t", secret),
            lambda secret=secret: Aws(secret, "env:KEY"),
            lambda secret=secret: Aws("env:ID", secret),
            lambda secret=secret: Aws("env:ID", "env:KEY", secret),
        ):
            with pytest.raises(ValueError, match="expected a reference") as refused:
                make()
            assert secret not in str(refused.value)


@pytest.mark.parametrize("url", ["https://opa.internal:8181", "http://127.0.0.1:8181/", "http://[::1]:1"])
def test_an_opa_is_asked_over_tls_or_on_this_machine(url: str) -> None:
    assert Opa(url, "env:TOKEN").url == url


@pytest.mark.parametrize("url", ["http://opa.internal:8181", "https://opa/v1", "https://opa:0", "opa:8181"])
def test_an_opa_is_not_asked_in_clear_over_the_network(url: str) -> None:
    with pytest.raises(ValueError, match="url: expected https"):
        Opa(url, "env:TOKEN")


def test_a_bundle_has_a_key_and_a_folder_has_none() -> None:
    assert PolicySettings(path="policy.tar.gz", verify_key="policy.pub").verify_key == "policy.pub"
    assert PolicySettings(shadow="next.tar.gz", verify_key="policy.pub").shadow == "next.tar.gz"
    for path, key, found in (
        ("p.tar.gz", "", "p.tar.gz and no key"),
        ("rego", "k.pub", "a key and no bundle"),
    ):
        with pytest.raises(ValueError, match=found):
            PolicySettings(path=path, verify_key=key)


def test_tables_in_a_bundle_say_whose_it_is_and_come_over_tls_or_from_this_machine() -> None:
    for url in ("", "https://tables.example/t.tar.gz?region=eu", "http://127.0.0.1:8/t.tar.gz"):
        bundle = TableBundle("k.pub", url)
        assert PolicySettings(tables="t.tar.gz", tables_bundle=bundle).tables_bundle == bundle
    for url in ("http://tables.example/t.tar.gz", "https://tables.example", "https://u:p@h/t", "file:///t"):
        with pytest.raises(ValueError, match="url: expected https"):
            TableBundle("k.pub", url)
    with pytest.raises(ValueError, match="url: found a token or a ca for it, and no url"):
        TableBundle("k.pub", token="env:TOKEN")
    for tables, one in (("policies/data", TableBundle("k.pub")), ("t.tar.gz", None)):
        with pytest.raises(ValueError, match="tables_bundle: expected it with tables in a bundle"):
            PolicySettings(tables=tables, tables_bundle=one)


def test_the_embedded_engine_has_no_opa_to_ask() -> None:
    with pytest.raises(ValueError, match="engine: embedded, which asks none"):
        PolicySettings(engine="embedded", opa=Opa("https://opa", "env:TOKEN"))


def test_evidence_is_kept_for_days_or_for_ever() -> None:
    assert Audit(retention="365d").kept == timedelta(days=365)
    assert Audit().kept is None


def test_an_entity_has_something_to_be_found_by() -> None:
    assert CustomEntity("BADGE", words=("B-1",)).words == ("B-1",)
    with pytest.raises(ValueError, match="BADGE: expected words or patterns"):
        CustomEntity("BADGE")


def test_a_signature_has_a_region_and_no_credential_beside_it() -> None:
    aws, host = Aws("env:ID", "env:KEY"), "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert Provider("bedrock", host, aws=aws).region == "eu-west-1"
    assert Provider("bedrock", "http://h", aws=Aws("env:ID", "env:KEY", region="us-gov-east-1")).region
    with pytest.raises(ValueError, match=r"aws\.region"):
        Provider("bedrock", "http://h", aws=aws)
    with pytest.raises(ValueError, match="beside it"):
        Provider("bedrock", host, "env:KEY", aws=aws)
