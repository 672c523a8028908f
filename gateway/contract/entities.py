"""The entities of findings: what detectors find, and what the gateway itself notes."""

CHANGED_TOOL = "TOOL_CHANGED"
UNKNOWN_CONTENT = "UNKNOWN_CONTENT"
UNPARSEABLE_ARGUMENTS = "UNPARSEABLE_ARGUMENTS"
CREDENTIAL_ENTITY = "PROVIDER_CREDENTIAL"
NOTED = frozenset({CHANGED_TOOL, CREDENTIAL_ENTITY, UNKNOWN_CONTENT, UNPARSEABLE_ARGUMENTS})
DETECTED = frozenset(
    {
        "API_KEY",
        "AU_ABN",
        "AU_MEDICARE",
        "AU_TFN",
        "BR_CNPJ",
        "BR_CPF",
        "CA_SIN",
        "CN_RESIDENT_ID",
        "CODE_MARKER",
        "CONNECTION_STRING",
        "CREDIT_CARD",
        "CRYPTO",
        "DATE_TIME",
        "DE_TAX_ID",
        "EMAIL_ADDRESS",
        "ES_NIF",
        "FR_NIR",
        "IBAN_CODE",
        "IN_AADHAAR",
        "IN_PAN",
        "IP_ADDRESS",
        "IT_FISCAL_CODE",
        "JP_MY_NUMBER",
        "JWT",
        "KR_RRN",
        "LOCATION",
        "MEDICAL_LICENSE",
        "NL_BSN",
        "PASSPORT",
        "PASSWORD",
        "PERSON",
        "PHONE_NUMBER",
        "PL_PESEL",
        "PRIVATE_KEY",
        "PROMPT_INJECTION",
        "SE_PERSONNUMMER",
        "UK_NHS",
        "UK_NINO",
        "URL",
        "US_BANK_NUMBER",
        "US_DRIVER_LICENSE",
        "US_ITIN",
        "US_PASSPORT",
        "US_SSN",
    }
)
ENTITIES = DETECTED | NOTED
