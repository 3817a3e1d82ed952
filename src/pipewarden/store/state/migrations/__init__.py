"""Alembic migrations of the state database; `pipewarden.store.state.database` runs them."""
