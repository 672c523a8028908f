"""What holds for every test: no time of a shared machine decides whether one passes."""

from hypothesis import settings

settings.register_profile("regate", deadline=None)
settings.load_profile("regate")
