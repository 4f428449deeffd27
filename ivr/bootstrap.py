"""The composition root: opens every part of the hotline in order, and closes it in reverse."""

import logging

_log = logging.getLogger(__name__)
