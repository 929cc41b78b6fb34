"""Pages of the three administrators: accounts, groups, agencies, roles, resets, import. Each module adds its views to the blueprint."""

from repository.web.administration import accounts, agencies, groups, importing, resets, roles
from repository.web.administration.shared import blueprint

__all__ = ["accounts", "agencies", "blueprint", "groups", "importing", "resets", "roles"]
