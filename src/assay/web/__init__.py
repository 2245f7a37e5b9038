"""The site: Django pages over the selectors, with HTMX for what refreshes and server-drawn SVG for small charts."""
