"""The kinds of media types that a client treats alike, as patterns for the whole Content-Type."""

import re

JSON = re.compile(r"\s*((application|text)/json|[^;]*\+json)\s*(;.*)?", re.IGNORECASE)
TEXT = re.compile(r"text/.*", re.IGNORECASE)
FORM = re.compile(r"(multipart/form-data|application/x-www-form-urlencoded)\s*(;.*)?", re.IGNORECASE)
