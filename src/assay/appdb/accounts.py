"""Accounts of the site, which are Django's own. Django has to be configured before this is used."""

from __future__ import annotations

from assay.domain.errors import BadInputError


def check_user_name(name: str) -> None:
    """Raise BadInputError if nobody can be called so, or somebody is already."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415  # Django has to be configured before
    from django.core.exceptions import ValidationError  # noqa: PLC0415

    model = get_user_model()
    try:
        model._meta.get_field(model.USERNAME_FIELD).clean(name, None)
    except ValidationError as error:
        raise BadInputError("not a user name", value=name, todo=" ".join(error.messages)) from None
    if model.objects.filter(**{model.USERNAME_FIELD: name}).exists():
        raise BadInputError("there is a user of that name", value=name, todo="choose another name")


def make_user(name: str, password: str, *, is_staff: bool) -> None:
    """Make an account.

    Raises
    ------
    BadInputError
        If the name or the password is not usable.
    """
    from django.contrib.auth import get_user_model  # noqa: PLC0415
    from django.contrib.auth.password_validation import validate_password  # noqa: PLC0415
    from django.core.exceptions import ValidationError  # noqa: PLC0415

    check_user_name(name)
    model = get_user_model()
    user = model(**{model.USERNAME_FIELD: name}, is_staff=is_staff, is_superuser=is_staff)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadInputError("the password is too weak", todo=" ".join(error.messages)) from None
    user.set_password(password)
    user.save()
