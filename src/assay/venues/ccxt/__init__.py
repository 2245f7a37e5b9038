"""Any exchange that the package ccxt knows, as one generic venue: ``ccxt_kraken`` is Kraken, its rows carry ``kraken``.

ccxt speaks with the exchange and understands it; the rate budget, the tries, bronze, coverage and quarantine are
Assay's, as for every venue. The package is an extra and is imported only where an exchange of it is asked.
"""

PREFIX = "ccxt_"
"""What the names of these venues begin with, before ccxt's own id of the exchange."""
