"""The demonstration site and what is trained from it, once for all tests of this room."""

from pathlib import Path

import pytest

from ticketing.drafting.drafter import Drafter
from ticketing.places import Gazetteer
from ticketing.site import Site, default_site_dir, load_site


@pytest.fixture(scope="session")
def site() -> Site:
    return load_site(default_site_dir())


@pytest.fixture(scope="session")
def gazetteer(site: Site) -> Gazetteer:
    return Gazetteer(site.places.values())


@pytest.fixture(scope="session")
def model_cache(pytestconfig: pytest.Config) -> Path:
    """Where trained models stay between runs; a changed corpus trains anew."""
    assert pytestconfig.cache is not None
    return Path(pytestconfig.cache.mkdir("drafting"))


@pytest.fixture(scope="session")
def drafter(site: Site, gazetteer: Gazetteer, model_cache: Path) -> Drafter:
    return Drafter(site, gazetteer, cache=model_cache)
