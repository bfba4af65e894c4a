"""The small twin and the record of their own that tests of wards have, as in tests/twin."""

from tests.twin.conftest import record, twin  # noqa: F401  fixtures
