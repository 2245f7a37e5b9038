"""What the answers look like: every field with its unit and an example, for the OpenAPI document and for who reads.

Shapes are made from the selectors' dataclasses by the names of the fields, so that a field that a selector loses is an
error and not a silent hole in the API.
"""
