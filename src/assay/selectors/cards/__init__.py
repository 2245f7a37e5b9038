"""Model cards: what is known of a model, on one page for people, as Markdown or HTML.

``blocks.py`` is what a page is made of, ``about.py`` and ``evidence.py`` say what stands on it, ``markdown.py`` and
``html.py`` write it down. Everything on a card is read from the model's paper, the ledger and the history of the
champion; nothing is written by hand.
"""
