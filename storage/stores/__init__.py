"""Object stores: where bytes lie. One protocol (`storage.stores.base`), one module a kind of store."""
