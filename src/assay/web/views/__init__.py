"""One module a page: ask a selector, hand its answer to a template."""
