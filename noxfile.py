"""The package without extras on every Python at hand: `nox`."""

import nox

nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def core(session: nox.Session) -> None:
    """Install what a user without extras gets; encode and decode."""
    session.install(".")
    session.run("python", "-I", "tests/round_trip.py")
