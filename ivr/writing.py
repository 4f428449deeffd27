"""How this site's words are written: its names as it writes them, other numbers as digits, stops at pauses."""

from asr.ear import Writer
from asr.model.store import ModelInfo
from asr.punctuation import Punctuated
from asr.written import Written
from ivr.models import names_to_mend
from ivr.names_by_sound import NamesBySound
from ivr.settings import Settings
from ticketing.site import Site


def site_writer(site: Site, settings: Settings, model: ModelInfo | None) -> Writer:
    """Spoken Chinese into the site's written form; `model` is None where another machine recognises.

    Raises `ModelBroken` where the file of the site's names cannot be read.
    """
    places = tuple(name for place in site.places.values() for name in (place.name, *place.aliases))
    written = Written(places)
    mend = places if model is None else names_to_mend(settings, model, places)
    if not mend:
        return Punctuated(written, places)
    by_sound = NamesBySound(mend)
    return Punctuated(lambda spoken: written(by_sound(spoken)), (*places, *mend))
