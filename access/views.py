"""Console pages of access: search, saved searches, one record with its events and versions, one file."""

from access import event_pages, file_page, record_page, saved_page, search_page, version_page, words
from access.blueprint import blueprint
from access.previews import views as previews

__all__ = ["blueprint", "event_pages", "file_page", "previews", "record_page", "saved_page", "search_page", "version_page", "words"]
