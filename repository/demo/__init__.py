"""Demo packages: the service affairs of an invented city, for a first look and for tests."""

from repository.demo.packages import DemoPackage, generate

__all__ = ["DemoPackage", "generate"]
