"""`regate policy`: write, check, test and try the Rego files that decide."""

from __future__ import annotations

from cli.late import Late, late_group

COMMANDS = {
    "new": Late(
        "cli.policy.new:new",
        "Write a topic to start from: a rule with METADATA, a setting, and cases that pass at once.",
        "Example: regate policy new night",
    ),
    "import": Late(
        "cli.policy.import_library:import_library",
        "Bring an OPA library of other packages into the policy, and say how a topic calls it.",
        "Example: regate policy import ../opa-library --as acme",
    ),
    "check": Late(
        "cli.policy.check:check",
        "Look at the policy as strictly as Regate and OPA can, and load it as a gateway would.",
        "Example: regate policy check",
    ),
    "test": Late(
        "cli.policy.testing:run_policy_tests",
        "Run the policy's tests with `opa test`, or with the embedded engine where there is no opa.",
        "Example: regate policy test",
    ),
    "fmt": Late(
        "cli.policy.check:fmt",
        "Put the Rego files into OPA's one format. With --check, exit code 1 where some are not.",
        "Example: regate policy fmt --check",
    ),
    "docs": Late(
        "cli.policy.reference:docs",
        "Write the reference of every rule: what it does, its severity, its controls, what to do about it.",
        "Example: regate policy docs --check",
    ),
    "eval": Late(
        "cli.policy.evaluate:evaluate",
        "Print the decision on one input document, or on a provider request as an agent would send it.",
        "Example: regate policy eval --body request.json --provider openai --group interns",
    ),
    "try": Late(
        "cli.policy.try_request:try_request",
        "Show what would become of a request: its parts, what is found, the decision and its rules.",
        "Example: pbpaste | regate policy try --group interns",
    ),
    "explain": Late(
        "cli.policy.explain:explain",
        "Say which rules made a recorded decision and why, "
        "and what the policy on disk says of the same input.",
        "Example: regate policy explain dec_bqncpccnbjipjnbgfiagpnak",
    ),
    "keygen": Late(
        "cli.policy.bundles:keygen",
        "Make the key pair that signs bundles: the private half (mode 0600) and, beside it, the public one.",
        "Example: regate policy keygen",
    ),
    "build": Late(
        "cli.policy.bundles:build",
        "Write the policy as a signed bundle, once it loads; the same files and key give the same bytes.",
        "Example: regate policy build",
    ),
    "inspect": Late(
        "cli.policy.bundles:inspect",
        "Say what is in a bundle and who signed it. Exit code 1 unless the signature is proven.",
        "Example: regate policy inspect bundles/policy.tar.gz",
    ),
    "use": Late(
        "cli.policy.using:use",
        "Put a bundle in use: bundles/policy.tar.gz becomes it, and a gateway that runs from it follows.",
        "Example: regate policy use 4f2c9e1",
    ),
    "rollback": Late(
        "cli.policy.using:rollback",
        "Put the bundle in use that was before this one; once more, the one before that.",
        "Example: regate policy rollback",
    ),
    "waivers": Late(
        "cli.policy.waivers:waivers",
        "List the waivers of the settings: the rule, for whom, until when, by whose word.",
        "Example: regate policy waivers --json",
    ),
    "learn": Late(
        "cli.policy.learn:learn",
        "Propose settings from recorded traffic: what each group really used, as a diff to look at.",
        "Example: regate policy learn --since 7d > learned.diff",
    ),
    "status": Late(
        "cli.policy.status:status",
        "Say what each worker decides by, what a gateway started now would, and what the shadow policy said.",
        "Example: regate policy status --json",
    ),
    "backtest": Late(
        "cli.policy.backtest:backtest",
        "Replay recorded decisions against a candidate policy, and say which would have been others.",
        "Example: regate policy backtest --candidate next --since 7d --fail-on allow:deny",
    ),
}

app = late_group("Write, check, test, try and explain policy.", COMMANDS)
