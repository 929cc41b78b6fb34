"""The shell of the console: layout, login, dashboard, error pages and what every page formats the same way."""
