"""The commands of preservation, one module each."""
